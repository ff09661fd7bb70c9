#!/bin/sh
# SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
#
# bench/inside.sh BENCH FLOOR [OPERATION]...: in the emulated host, the operations on KVM, then on vmm, FLOOR being vmm-floor.ko; and, if
# SYMBOLS is set, for the profile, what the kernel's addresses are called while either is loaded, as base64 of gzip between two
# lines that say so: - (whichever), KVM or vmm, then what /proc/kallsyms has.
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

# symbols HOST PATTERN: those of what is loaded whose module the pattern matches, "-" for the kernel itself
symbols()
{
	[ -z "${SYMBOLS:-}" ] || awk -v host="$1" -v pattern="$2" '
		$2 ~ /[tTwW]/ && (NF > 3 ? $4 : "-") ~ pattern { print host, $1, $3, $4 }' /proc/kallsyms >>/run/symbols
}
# One that fails, or hangs in an emulator's corner, is a row that is missing.
operations()
{
	for operation in $operations; do
		timeout 300 /run/bench "$1" "$operation" || echo "bench: $operation on $1 ended with status $?" >&2
	done
}
operations=${*:-$(/run/bench list)}

symbols - '^-'
insmod /run/vmm-floor.ko 2>/dev/null || true
modprobe $vendor
symbols KVM '^.kvm'
operations kvm
modprobe -r $vendor
modprobe -r kvm 2>/dev/null || true
insmod /run/vmm.ko maxcpu=16 maxvmms=100
symbols vmm '^.vmm]'
operations vmm
[ -n "${SYMBOLS:-}" ] || exit 0
echo begin symbols
gzip -c /run/symbols | base64
echo end symbols
