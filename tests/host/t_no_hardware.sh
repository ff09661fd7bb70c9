#!/bin/sh
# SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
#
# A host whose processor does not virtualize, as far as the kernel knows: the emulated host is booted with clearcpuid=svm or clearcpuid=vmx.
# tests/host/t_no_hardware.sh [-l] [NAME...]
# shellcheck source=tests/host/lib.sh
. "$(dirname "$0")/lib.sh"

test_o05_loads_without_hardware()
{
	! grep -q -w -E 'svm|vmx' /proc/cpuinfo || skip "this host's processor virtualizes"
	log_mark
	load
	log_has 'vmm: CPU has neither VT-x nor AMD-V' || fail "the log does not say what is missing"
	[ -c /dev/vmmctl ] || fail "no /dev/vmmctl"
	must_not write $sysctls/create foo
	printf '%s' "$output" | grep -q 'No such device or address' || fail "not ENXIO: $output"
	[ ! -e /dev/vmm/foo ] || fail "there is a node all the same"
	unload
	must insmod ./vmm.ko
	unload
}

run_tests "$@"
