#!/bin/sh
# SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
#
# bench/inside.sh BENCH FLOOR [OPERATION]...: in the emulated host, the operations on KVM, then on vmm, FLOOR being vmm-floor.ko; and,
# for the profile, what the kernel's addresses are called while either is loaded: if SYMBOLS is set, as base64 of gzip between two
# lines that say so: - (whichever), KVM or vmm, then what /proc/kallsyms has; else, where that would take too long to write, where the
# modules' sections are: section, KVM or vmm, module, section, address.
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
	[ -n "${SYMBOLS:-}" ] || return 0
	awk -v host="$1" -v pattern="$2" '
		$2 ~ /[tTwW]/ && (NF > 3 ? $4 : "-") ~ pattern { print host, $1, $3, $4 }' /proc/kallsyms >>/run/symbols
}
# sections HOST MODULE...
sections()
{
	host=$1
	shift
	[ -z "${SYMBOLS:-}" ] || return 0
	for module; do
		for file in /sys/module/"$module"/sections/.*text*; do
			printf 'section\t%s\t%s\t%s\t%s\n' "$host" "$module" "${file##*/}" "$(cat "$file")"
		done
	done
}
# operation KVM|vmm NAME: one that fails, or hangs in an emulator's corner, is a row that is missing.
operation()
{
	timeout "${OPERATION_TIMEOUT:-300}" /run/bench "$1" "$2" || echo "bench: $2 on $1 ended with status $?" >&2
}
operations()
{
	for operation in $operations; do
		operation "$1" "$operation"
	done
}
# unflushed KVM|vmm ID: once more, from ID on (report.py), with nothing done to keep guests out of L1D: how much of a row that is.
unflushed()
{
	for operation in $operations; do
		case $operation in
		grow | create | destroy | kernel_memory | boot) ;;
		*) BENCH_FIRST_ID=$2 operation "$1" "$operation" ;;
		esac
	done
}
operations=${*:-$(/run/bench list)}

symbols - '^-'
insmod /run/vmm-floor.ko 2>/dev/null || true
modprobe $vendor
symbols KVM '^.kvm'
sections KVM kvm $vendor
operations kvm
flush=/sys/module/kvm_intel/parameters/vmentry_l1d_flush flushes=
[ ! -e "$flush" ] || [ "$(cat "$flush")" = 'not required' ] || flushes=y
if [ -n "$flushes" ]; then
	echo never >"$flush"
	unflushed kvm 32
fi
modprobe -r $vendor
modprobe -r kvm 2>/dev/null || true
insmod /run/vmm.ko maxcpu=16 maxvmms=100
symbols vmm '^.vmm]'
sections vmm vmm
operations vmm
if [ -n "$flushes" ]; then
	rmmod vmm
	insmod /run/vmm.ko maxcpu=16 maxvmms=100 vmx_l1d_flush=0
	unflushed vmm 160
fi
[ -n "${SYMBOLS:-}" ] || exit 0
echo begin symbols
gzip -c /run/symbols | base64
echo end symbols
