#!/bin/sh
# SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
#
# bench/inside.sh BENCH FLOOR [OPERATION]...: in the emulated host, the operations on KVM, then on vmm, FLOOR being vmm-floor.ko; and, for the profile, what the kernel's
# addresses are called, as base64 of gzip between two lines that say so.
set -eu
bench=$1 floor=$2
shift 2
cp "$bench" /run/bench
cp vmm.ko "$floor" /run/
echo 0 >/proc/sys/kernel/kptr_restrict
echo 0 >/proc/sys/kernel/randomize_va_space
# Whatever wakes up now and then is noise.
echo never >/sys/kernel/mm/transparent_hugepage/khugepaged/defrag 2>/dev/null || true
vendor=kvm_amd
[ ! -e /proc/cpuinfo ] || ! grep -q '^flags.* vmx' /proc/cpuinfo || vendor=kvm_intel

symbols=/run/symbols
awk '$2 ~ /[tTwW]/' /proc/kallsyms >$symbols
insmod /run/vmm-floor.ko 2>/dev/null || true
modprobe $vendor
awk '$2 ~ /[tTwW]/ && $4 ~ /^.kvm/' /proc/kallsyms >>$symbols
/run/bench kvm "$@"
modprobe -r $vendor
modprobe -r kvm 2>/dev/null || true
insmod /run/vmm.ko maxcpu=16 maxvmms=100
awk '$2 ~ /[tTwW]/ && $4 == "[vmm]"' /proc/kallsyms >>$symbols
/run/bench vmm "$@"
echo begin symbols
gzip -c $symbols | base64
echo end symbols
