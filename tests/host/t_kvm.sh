#!/bin/sh
# SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
#
# O-01, O-02: beside KVM, in every order. tests/host/t_kvm.sh [-l] [NAME...]
# shellcheck source=tests/host/lib.sh
. "$(dirname "$0")/lib.sh"

case $(grep -m1 -o -w -E 'svm|vmx' /proc/cpuinfo) in
svm) kvm=kvm_amd ;;
*) kvm=kvm_intel ;;
esac

# Does KVM switch the hardware on when it is loaded, or with its first VM?
kvm_at_load()
{
	[ "$(cat /sys/module/kvm/parameters/enable_virt_at_load 2>/dev/null)" = Y ]
}

kvm_load() { must modprobe $kvm; }
kvm_unload()
{
	must rmmod $kvm
	must rmmod kvm
}

# A VM of KVM that runs until kvm_vm_end, which checks that it always ran well.
kvm_vm_start()
{
	trap 'kill "$kvm_pid"' EXIT
	build/tests/kvm-user 60 >/tmp/kvm-user.out 2>&1 &
	kvm_pid=$!
	within 20 grep -q running /tmp/kvm-user.out || fail "KVM's VM does not run: $(cat /tmp/kvm-user.out)"
}
kvm_vm_end()
{
	kill -0 "$kvm_pid" 2>/dev/null || fail "KVM's VM has ended: $(cat /tmp/kvm-user.out)"
	kill "$kvm_pid"
	wait "$kvm_pid" 2>/dev/null
	trap - EXIT
	[ "$(cat /tmp/kvm-user.out)" = running ] || fail "KVM's VM: $(cat /tmp/kvm-user.out)"
}
kvm_works()
{
	must build/tests/kvm-user 0
}

# The VM is refused, and one line of the log says who has the hardware and both ways out.
vm_refused()
{
	log_mark
	must_not write $sysctls/create refused
	printf '%s' "$output" | grep -q 'Device or resource busy' || fail "not EBUSY: $output"
	[ ! -e /dev/vmm/refused ] || fail "there is a node all the same"
	log_has "vmm: .* is in use by $kvm" || fail "the log does not say who has the hardware"
	log_has "modprobe -r $kvm" || fail "the log does not name the first way out"
	log_has 'enable_virt_at_load=0' || fail "the log does not name the second way out"
}

vm_works()
{
	must build/tests/guest-tests basic_long_mode
}

# KVM loaded, none of its VMs: it has the hardware or not, by kernel.
beside_idle_kvm()
{
	if kvm_at_load; then vm_refused; else vm_works; fi
}

test_o01_kvm_then_vmm()
{
	kvm_load
	load
	beside_idle_kvm
	kvm_works
	kvm_unload
	vm_works
	unload
}

test_o01_vmm_then_kvm()
{
	load
	kvm_load
	beside_idle_kvm
	kvm_works
	unload
	kvm_works
	kvm_unload
}

test_o01_kvm_vm_then_vmm()
{
	kvm_load
	kvm_vm_start
	load
	vm_refused
	vm_refused
	kvm_vm_end
	beside_idle_kvm
	unload
	kvm_works
	kvm_unload
}

test_o01_vmm_then_kvm_vm()
{
	load
	kvm_load
	kvm_vm_start
	vm_refused
	unload
	kvm_vm_end
	kvm_works
	kvm_unload
}

# The other way round: KVM finds the hardware taken, and says so; the VM is not disturbed, and KVM works when it has gone.
test_o02_vmm_vm_then_kvm()
{
	load
	vm_create first
	if modprobe $kvm 2>/dev/null; then
		status=0
		output=$(build/tests/kvm-user 0) || status=$?
		[ $status = 2 ] || fail "KVM beside a VM of vmm: status $status, $output"
	fi
	vm_works
	vm_destroy first
	rmmod $kvm 2>/dev/null
	kvm_load
	kvm_works
	kvm_unload
	unload
}

test_o02_kvm_then_vmm_vm()
{
	kvm_load
	if kvm_at_load; then
		kvm_unload
		must modprobe kvm enable_virt_at_load=0
		must modprobe $kvm
	fi
	load
	vm_create first
	status=0
	output=$(build/tests/kvm-user 0) || status=$?
	[ $status = 2 ] || fail "KVM beside a VM of vmm: status $status, $output"
	vm_works
	vm_destroy first
	kvm_works
	vm_works
	kvm_unload
	unload
}

# To and fro: neither leaves the processor in a state the other cannot start from.
test_o01_alternation()
{
	load
	for _ in 1 2 3 4 5; do
		vm_works
		kvm_load
		kvm_works
		kvm_unload
	done
	unload
}

run_tests "$@"
