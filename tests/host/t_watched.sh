#!/bin/sh
# SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
#
# A guest boots to its power-off while everything about it is read all the time. tests/host/t_watched.sh [-l] [NAME...]
# VMLINUZ and INITRAMFS: what it boots, as from scripts/kernel-image and scripts/guest-initramfs.
# shellcheck source=tests/host/lib.sh
. "$(dirname "$0")/lib.sh"

vmmctl=build/tools/vmmctl/vmmctl
vmmrun=build/tools/vmmrun/vmmrun

# watch CPU: until there is no machine any more; a line a round
watch()
{
	while $vmmctl --vm=watched --cpu="$1" --get-all --json >"/tmp/watch$1" 2>"/tmp/watch$1.err"; do
		cat /sys/kernel/debug/vmm/watched/*/state /sys/kernel/debug/vmm/watched/*/stats >/dev/null 2>&1 || true
		echo round
	done >"/tmp/rounds$1"
}

test_boot_to_poweroff_while_get_all_loops()
{
	for file in "${VMLINUZ-}" "${INITRAMFS-}"; do
		[ -r "$file" ] || skip "no VMLINUZ and INITRAMFS to boot"
	done
	[ -e /sys/kernel/debug/sched ] || mount -t debugfs none /sys/kernel/debug
	load
	$vmmrun -c 2 -m 512M -k "$VMLINUZ" -i "$INITRAMFS" -a 'console=ttyS0 panic=-1 vmm.cpus=2' watched \
		</dev/null >/tmp/console 2>/tmp/vmmrun.err &
	guest=$!
	within 60 node watched || fail "no guest: $(cat /tmp/vmmrun.err)"
	within 60 $vmmctl --vm=watched --cpu=1 --get-rax || fail "no second vCPU"
	watch 0 &
	watch 1 &
	status=0
	wait $guest || status=$?
	wait
	[ $status = 1 ] || fail "vmmrun ended with $status, not with a power-off: $(tail -n 3 /tmp/console /tmp/vmmrun.err)"
	for cpu in 0 1; do
		[ "$(wc -l </tmp/rounds$cpu)" -ge 20 ] || fail "vCPU $cpu was looked at only $(wc -l </tmp/rounds$cpu) times: $(cat /tmp/watch$cpu.err)"
		grep -Eq 'destroyed|no machine called' /tmp/watch$cpu.err || fail "the last look: $(cat /tmp/watch$cpu.err)"
	done
	unload
}

run_tests "$@"
