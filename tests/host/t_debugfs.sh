#!/bin/sh
# SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
#
# /sys/kernel/debug/vmm: what it shows, and that destruction goes before it. tests/host/t_debugfs.sh [-l] [NAME...]
# shellcheck source=tests/host/lib.sh
. "$(dirname "$0")/lib.sh"

vmmctl=build/tools/vmmctl/vmmctl
debug=/sys/kernel/debug/vmm
[ -e /sys/kernel/debug/sched ] || mount -t debugfs none /sys/kernel/debug

# line FILE KEY: what stands behind KEY
line() { sed -n "s/^$2[[:space:]]\{1,\}//p" "$debug/$1"; }

test_tree()
{
	[ ! -e $debug ] || fail "$debug is there without the module"
	load
	[ -d $debug ] || fail "no $debug"
	[ -z "$(ls $debug)" ] || fail "there is $(ls $debug)"
	vm_create a
	vm_create b
	[ "$(find $debug -mindepth 1 | sed "s|^$debug/||" | sort | tr '\n' ' ')" = 'a a/memory a/state b b/memory b/state ' ] ||
		fail "$(find $debug)"
	# A vCPU appears with its first use.
	must $vmmctl --vm=a --cpu=1 --get-rax
	[ "$(find $debug/a -mindepth 1 | sed "s|^$debug/||" | sort | tr '\n' ' ')" = 'a/memory a/state a/vcpu1 a/vcpu1/state a/vcpu1/stats ' ] ||
		fail "$(find $debug/a)"
	find $debug -type f | while read -r file; do
		[ "$(stat -c %a "$file")" = 400 ] || fail "$file has mode $(stat -c %a "$file")"
		cat "$file" >/dev/null || fail "$file cannot be read"
		must_not write "$file" x
	done || exit 1
	vm_destroy a
	[ ! -e $debug/a ] || fail "$debug/a outlives its VM"
	[ -e $debug/b ] || fail "$debug/b has gone"
	vm_destroy b
	unload
	[ ! -e $debug ] || fail "$debug outlives the module"
}

test_contents()
{
	load
	must $vmmctl --vm=a --create --set-mem=16 --activate-cpu
	[ "$(line a/state dead)$(line a/state suspend)" = nono ] || fail "$(cat $debug/a/state)"
	[ "$(line a/state active)" = 0 ] || fail "$(cat $debug/a/state)"
	[ "$(line a/state vcpus_max)" = "$(nproc)" ] || fail "$(cat $debug/a/state)"
	grep -q '^segment 0: 0x1000000 bytes sysmem$' $debug/a/memory || fail "$(cat $debug/a/memory)"
	grep -q '^0x000000000000-0x000000ffffff rwx segment 0 at 0x0$' $debug/a/memory || fail "$(cat $debug/a/memory)"
	[ "$(line a/vcpu0/state state)" = idle ] || fail "$(cat $debug/a/vcpu0/state)"
	[ "$(line a/vcpu0/state requests)" = none ] || fail "$(cat $debug/a/vcpu0/state)"
	must $vmmctl --vm=a --force-poweroff
	[ "$(line a/state suspend)" = poweroff ] || fail "$(cat $debug/a/state)"
	# The statistics are those of VM_STATS, name by name.
	$vmmctl --vm=a --get-stats | sed -n 's/ *\t[0-9]*$//p' >/tmp/names
	cut -f 1 $debug/a/vcpu0/stats >/tmp/debug-names
	cmp -s /tmp/names /tmp/debug-names || fail "other names: $(diff /tmp/names /tmp/debug-names | head -n 5)"
	vm_destroy a
	unload
}

test_running_guest()
{
	load
	build/tests/count-guest guest 1 >/tmp/count.out 2>/tmp/count.err &
	within 20 grep -q running /tmp/count.out || fail "no guest: $(cat /tmp/count.err)"
	[ "$(line guest/vcpu0/state thread)" -gt 0 ] || fail "$(cat $debug/guest/vcpu0/state)"
	within 10 grep -q 'state[[:space:]]*running' $debug/guest/vcpu0/state || fail "never running: $(cat $debug/guest/vcpu0/state)"
	before=$(line guest/vcpu0/stats 'total number of vm exits')
	sleep 1
	[ "$(line guest/vcpu0/stats 'total number of vm exits')" -gt "$before" ] || fail "no exits in a second"
	# Looking is not felt.
	idle=$(line guest/vcpu0/stats 'number of times idle was requested at entry')
	for _ in $(seq 200); do cat $debug/guest/*/stats $debug/guest/*/state $debug/guest/state $debug/guest/memory >/dev/null || fail "cannot read"; done
	[ "$(line guest/vcpu0/stats 'number of times idle was requested at entry')" = "$idle" ] || fail "reading made the vCPU leave"
	vm_destroy guest
	wait
	unload
}

# An open file does not hold destruction up, and keeps what it had; nor does it outlive the module's code.
test_open_file_and_destroy()
{
	load
	vm_create a
	must $vmmctl --vm=a --get-rax
	exec 4<$debug/a/state 5<$debug/a/vcpu0/stats
	# It would wait for ever: on a busy machine it may well take seconds.
	must timeout 30 sh -c "printf a >$sysctls/destroy"
	must_not rmmod vmm
	grep -q backend <&4 || fail "the text has gone"
	grep -q 'vm exits' <&5 || fail "the statistics have gone"
	exec 4<&- 5<&-
	unload
}

# Readers of everything, while machines and vCPUs come and go under the same names.
test_readers_against_destruction()
{
	load
	rm -f /tmp/stop
	for _ in 1 2; do
		(while [ ! -e /tmp/stop ]; do cat $debug/*/state $debug/*/memory $debug/*/*/* >/dev/null 2>&1 || true; done) &
	done
	for round in $(seq 25); do
		must $vmmctl --vm=a --create --set-mem=4 --activate-cpu --get-rax
		must $vmmctl --vm=b --create --cpu=$((round % 2)) --get-stats
		vm_destroy a
		vm_destroy b
	done
	touch /tmp/stop
	wait
	[ -z "$(ls $debug)" ] || fail "there is $(ls $debug)"
	! dmesg | grep -q "already present" || fail "$(dmesg | grep 'already present' | head -n 1)"
	unload
}

run_tests "$@"
