#!/bin/sh
# SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
#
# Loading, unloading, nodes, sysctls and who may what. tests/host/t_life.sh [-l] [NAME...]
# shellcheck source=tests/host/lib.sh
. "$(dirname "$0")/lib.sh"

nothing_left()
{
	for path in /sys/module/vmm /dev/vmmctl /dev/vmm /dev/vmm.io $sysctls /sys/class/vmm; do
		[ ! -e "$path" ] || fail "$path is still there"
	done
	! grep -q ' vmm' /proc/devices || fail "/proc/devices still has a vmm"
	! grep -q vmm /proc/misc || fail "/proc/misc still has a vmm"
}

test_load_and_unload()
{
	nothing_left
	load
	[ -c /dev/vmmctl ] || fail "no /dev/vmmctl"
	[ -e $sysctls/create ] || fail "no hw.vmm.create"
	[ ! -e /dev/vmm ] || [ -z "$(ls /dev/vmm)" ] || fail "machines in /dev/vmm"
	unload
	nothing_left
}

test_o09_load_unload_50_times()
{
	for round in $(seq 50); do
		load
		if [ $((round % 5)) = 0 ]; then
			vm_create "round$round"
			node "round$round" || fail "no node in round $round"
			vm_destroy "round$round"
		fi
		unload
	done
	nothing_left
}

# Refused with a VM, whether or not a descriptor is open; and with a descriptor alone.
test_o09_unload_refused()
{
	load
	vm_create a
	must_not rmmod vmm
	node a || fail "the VM has gone"
	exec 4<>/dev/vmm/a
	must_not rmmod vmm
	vm_destroy a
	must_not rmmod vmm
	exec 4>&-
	unload
	nothing_left
}

test_parameters_described()
{
	load
	for parameter in /sys/module/vmm/parameters/*; do
		parameter=${parameter##*/}
		modinfo -F parm ./vmm.ko | grep -q "^$parameter:" || fail "parameter $parameter has no description"
	done
	unload
}

test_parameter_maxcpu()
{
	load_with maxcpu=7
	[ "$(cat $sysctls/maxcpu)" = 7 ] || fail "hw.vmm.maxcpu is $(cat $sysctls/maxcpu)"
	unload
	load_with maxcpu=0
	[ "$(cat $sysctls/maxcpu)" -ge 1 ] || fail "hw.vmm.maxcpu is $(cat $sysctls/maxcpu)"
	unload
	load_with maxcpu=99999
	[ "$(cat $sysctls/maxcpu)" = 1024 ] || fail "hw.vmm.maxcpu is $(cat $sysctls/maxcpu)"
	vm_create big
	vm_destroy big
	unload
}

test_sysctl_create_and_destroy()
{
	load
	must sysctl -q hw.vmm.create=foo
	node foo || fail "no /dev/vmm/foo"
	must_not write $sysctls/create foo
	printf '%s' "$output" | grep -q 'File exists' || fail "a second one of that name: $output"
	must sysctl -q hw.vmm.destroy=foo
	! node foo || fail "/dev/vmm/foo is still there"
	must_not write $sysctls/destroy foo
	printf '%s' "$output" | grep -q 'Invalid argument' || fail "destroying it twice: $output"
	# A read makes nothing.
	[ "$(cat $sysctls/create)" = beavis ] || fail "hw.vmm.create reads $(cat $sysctls/create)"
	[ "$(cat $sysctls/destroy)" = beavis ] || fail "hw.vmm.destroy reads $(cat $sysctls/destroy)"
	[ -z "$(ls /dev/vmm 2>/dev/null)" ] || fail "machines: $(ls /dev/vmm)"
	unload
}

test_sysctl_names()
{
	load
	long=$(printf 'x%.0s' $(seq 229))
	vm_create "$long"
	node "$long" || fail "no node for the longest name"
	vm_destroy "$long"
	for name in "${long}x" "${long}${long}" a/b .. . 'a b' "a$(printf '\t')b" 'a"b'; do
		must_not write $sysctls/create "$name"
		[ -z "$(ls /dev/vmm 2>/dev/null)" ] || fail "\"$name\" made $(ls /dev/vmm)"
	done
	must_not sysctl -q hw.vmm.create=
	# The line end of echo is no part of the name.
	must sh -c "echo bar >$sysctls/create"
	node bar || fail "no /dev/vmm/bar"
	vm_destroy bar
	unload
}

test_sysctl_tree()
{
	load
	for name in create destroy maxcpu maxvmms halt_detection trace_guest_exceptions trap_wbinvd bhyve_xcpuids topology/cpuid_leaf_b \
		vrtc/flag_broken_time; do
		[ -e $sysctls/$name ] || fail "no hw.vmm.$name"
		cat $sysctls/$name >/dev/null || fail "hw.vmm.$name cannot be read"
	done
	for name in maxcpu halt_detection trap_wbinvd; do
		must_not write $sysctls/$name 1
	done
	must write $sysctls/maxvmms 3
	[ "$(cat $sysctls/maxvmms)" = 3 ] || fail "hw.vmm.maxvmms is $(cat $sysctls/maxvmms)"
	vm_create 1
	vm_create 2
	vm_create 3
	log_mark
	must_not write $sysctls/create 4
	printf '%s' "$output" | grep -q 'Cannot allocate memory' || fail "the fourth: $output"
	log_has 'vmm: uid 0 reached maxvmms=3' || fail "the log does not say why"
	for name in 1 2 3; do vm_destroy $name; done
	unload
}

test_permissions()
{
	load
	[ "$(stat -c %a /dev/vmmctl)" = 660 ] || fail "/dev/vmmctl has mode $(stat -c %a /dev/vmmctl)"
	[ "$(stat -c %u /dev/vmmctl)" = 0 ] || fail "/dev/vmmctl belongs to $(stat -c %u /dev/vmmctl)"
	vm_create foo
	[ "$(stat -c %a:%u /dev/vmm/foo)" = 600:0 ] || fail "/dev/vmm/foo is $(stat -c %a:%u /dev/vmm/foo)"
	nobody="setpriv --reuid 65534 --regid 65534 --clear-groups"
	# shellcheck disable=SC2086 # words
	{
		must_not $nobody sh -c 'exec 4<>/dev/vmmctl'
		must_not $nobody sh -c 'exec 4<>/dev/vmm/foo'
		must_not $nobody sh -c "echo bar >$sysctls/create"
		must_not $nobody sh -c "echo foo >$sysctls/destroy"
		must $nobody cat $sysctls/maxcpu
	}
	! node bar || fail "nobody has made a VM"
	# The administrator may give it away.
	chmod 666 /dev/vmm/foo
	# shellcheck disable=SC2086
	must $nobody sh -c 'exec 4<>/dev/vmm/foo'
	vm_destroy foo
	unload
}

test_nodes_read_and_write()
{
	load
	vm_create foo
	# No memory yet.
	must_not dd if=/dev/vmm/foo bs=1 count=1
	must_not dd if=/dev/zero of=/dev/vmm/foo bs=1 count=1
	vm_destroy foo
	unload
}

# A descriptor that outlives its VM: ENXIO, also when another VM has taken the name.
test_enxio_after_destroy()
{
	load
	vm_create foo
	exec 4<>/dev/vmm/foo
	vm_destroy foo
	must_not dd bs=1 count=1 <&4
	printf '%s' "$output" | grep -q 'No such device or address' || fail "$output"
	vm_create foo
	must_not dd bs=1 count=1 <&4
	printf '%s' "$output" | grep -q 'No such device or address' || fail "$output"
	exec 4>&-
	vm_destroy foo
	unload
}

# O-06: a CPU goes and comes back while a VM exists.
test_o06_cpu_hotplug()
{
	cpu=/sys/devices/system/cpu/cpu1/online
	[ -w $cpu ] || skip "no second CPU, or not to be taken away"
	load_with maxcpu=16
	vm_create foo
	for _ in 1 2 3 4 5; do
		must write $cpu 0
		must build/tests/guest-tests basic_long_mode
		must write $cpu 1
		must build/tests/guest-tests basic_long_mode h01_vector
	done
	vm_destroy foo
	# While none exists, and then one is made.
	must write $cpu 0
	vm_create bar
	must write $cpu 1
	must build/tests/guest-tests h01_vector
	vm_destroy bar
	unload
}

run_tests "$@"
