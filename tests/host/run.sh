#!/bin/sh
# SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
#
# tests/host/run.sh [FILE...]
#
# Runs the tests of this folder on emulated hosts: those of the files that are named, or the module's, beside KVM and without hardware. CPU=svm|vmx|svm-nrips (svm), KERNEL=6.1|6.12|debug (6.1). Last line: "N passed, N failed", with
# ", N skipped" where that is so. Exit status 1 if one failed.
set -eu
cd "$(dirname "$0")/../.."
cpu=${CPU:-svm} kernel=${KERNEL:-6.1}
make -s tools
make -s -C tests/guest
# What t_watched.sh boots.
VMLINUZ=$(scripts/kernel-image 6.1) INITRAMFS=$(scripts/guest-initramfs)
export VMLINUZ INITRAMFS
log=$(mktemp)
trap 'rm -f "$log"' EXIT
VMLINUZ=$(scripts/kernel-image 6.1) INITRAMFS=$(scripts/guest-initramfs)
export VMLINUZ INITRAMFS
status=0

# on_host OPTIONS APPEND TEST...
on_host()
{
	options=$1 append=$2
	shift 2
	# shellcheck disable=SC2016,SC2086 # for the shell there; words
	scripts/emuhost --cpu "$cpu" --kernel "$kernel" $options --timeout "${TIMEOUT:-3600}" --append "$append" -- \
		sh -c 's=0; for t; do tests/host/$t || s=1; done; exit $s' sh "$@" >>"$log" 2>&1 || status=$?
}

if [ $# != 0 ]; then
	on_host '--smp 2' '' "$@"
else
	# KVM patches the scheduler with its first VM and its last.
	on_host '--smp 2 --one-thread' '' t_kvm.sh
	on_host '--smp 2' '' t_life.sh t_sysctl.sh
	on_host '--smp 1' "clearcpuid=${cpu%%-*}" t_no_hardware.sh
fi
cat "$log"
sed -nE 's/^([0-9]+) passed, ([0-9]+) failed(, ([0-9]+) skipped)?$/\1 \2 \4/p' "$log" | {
	passed=0 failed=0 skipped=0
	while read -r p f s; do
		passed=$((passed + p)) failed=$((failed + f)) skipped=$((skipped + ${s:-0}))
	done
	[ "$status" = 0 ] || [ "$failed" != 0 ] || failed=1
	echo "$passed passed, $failed failed$([ "$skipped" = 0 ] || echo ", $skipped skipped")"
}
exit "$status"
