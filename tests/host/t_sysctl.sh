#!/bin/sh
# SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
#
# hw.vmm: every row of tests/abi/tables/sysctls.tsv by name, type, value, and what a write does. tests/host/t_sysctl.sh [-l] [NAME...]
# shellcheck source=tests/host/lib.sh
. "$(dirname "$0")/lib.sh"

table=tests/abi/tables/sysctls.tsv

# The table's rows as "NAME KIND", without "hw.vmm.", dots as slashes.
rows()
{
	awk -F '\t' '$1 ~ /^hw\.vmm\./ { sub(/^hw\.vmm\./, "", $1); gsub(/\./, "/", $1); gsub(/ /, "_", $2); print $1, $2 }' $table
}

# Of these, what can be read as a number; names, one a line.
number_rows() { rows | awk '$2 != "node" && $2 != "tunable_only" && $2 !~ /^string/ { print $1 }'; }

value() { cat "$sysctls/$1"; }
is() { [ "$(value "$1")" = "$2" ] || fail "hw.vmm.$1 is $(value "$1"), expected $2"; }
svm() { grep -qw svm /proc/cpuinfo; }

# write_fails FILE TEXT ERROR
write_fails()
{
	must_not write "$1" "$2"
	printf '%s' "$output" | grep -q "$3" || fail "writing \"$2\" to $1: $output, expected $3"
}

test_rows_of_the_table()
{
	load
	[ "$(rows | wc -l)" = 62 ] || fail "the table has $(rows | wc -l) rows under hw.vmm"
	rows | while read -r name kind; do
		path=$sysctls/$name
		case $kind in
		node) [ -d "$path" ] || fail "hw.vmm.$name is no node" ;;
		tunable_only) [ ! -e "$path" ] || fail "hw.vmm.$name can be seen, and is no sysctl" ;;
		string*) [ "$(value "$name")" = beavis ] || fail "hw.vmm.$name reads $(value "$name")" ;;
		*) value "$name" | grep -Eqx -- '-?[0-9]+' || fail "hw.vmm.$name reads \"$(value "$name")\", no number" ;;
		esac
	done || exit 1
	unload
}

# Nothing is there that the table does not have.
test_rows_beyond_the_table()
{
	load
	find $sysctls -mindepth 1 | sed "s|^$sysctls/||" | while read -r name; do
		rows | grep -q "^$name " || fail "hw.vmm.$name is not in the table"
	done || exit 1
	unload
}

# Modes are what the table's kind says, and root's writes end accordingly.
test_writable_or_not()
{
	load
	rows | while read -r name kind; do
		path=$sysctls/$name
		case $kind in
		node | tunable_only) continue ;;
		rw | *_rw | string*) mode=644 ;;
		*) mode=444 ;;
		esac
		[ "$(stat -c %a "$path")" = "$mode" ] || fail "hw.vmm.$name has mode $(stat -c %a "$path"), expected $mode"
		[ "$mode" = 644 ] || write_fails "$path" 1 'Permission denied'
	done || exit 1
	unload
}

test_bad_writes()
{
	load
	for name in maxvmms bhyve_xcpuids svm/disable_npf_assist vmx/no_flush_rsb; do
		before=$(value $name)
		for bad in -1 x 1x 0x 99999999999999999999999999 1e3 '"' -; do
			write_fails $sysctls/$name "$bad" 'Invalid argument'
		done
		is $name "$before"
	done
	write_fails $sysctls/maxvmms 4294967296 'Invalid argument'
	for name in svm/disable_npf_assist vmx/no_flush_rsb; do
		write_fails $sysctls/$name 2 'Invalid argument'
		must write $sysctls/$name 1
		is $name 1
		must write $sysctls/$name 0
		is $name 0
	done
	must write $sysctls/bhyve_xcpuids 18446744073709551615
	is bhyve_xcpuids 18446744073709551615
	must write $sysctls/bhyve_xcpuids 0
	is bhyve_xcpuids 0
	unload
}

# A user may look, and nothing else; "sysctl -a" has nothing to complain about.
test_sysctl_a_clean()
{
	load
	for who in "" "setpriv --reuid 65534 --regid 65534 --clear-groups"; do
		# shellcheck disable=SC2086 # words
		errors=$($who sysctl -a 2>&1 >/dev/null | grep 'hw\.vmm' || true)
		[ -z "$errors" ] || fail "sysctl -a ${who:+(nobody)}: $errors"
		# shellcheck disable=SC2086
		seen=$($who sysctl -a 2>/dev/null | grep -c '^hw\.vmm\.')
		expected=$(find $sysctls -type f | wc -l)
		[ "$seen" = "$expected" ] || fail "sysctl -a ${who:+(nobody)} shows $seen of $expected"
	done
	nobody="setpriv --reuid 65534 --regid 65534 --clear-groups"
	number_rows | while read -r name; do
		# shellcheck disable=SC2086
		must_not $nobody sh -c "echo 1 >$sysctls/$name"
	done || exit 1
	unload
}

test_defaults()
{
	load
	cpus=$(nproc)
	is maxcpu "$cpus"
	is maxvmms $((4 * cpus))
	for row in halt_detection=1 trace_guest_exceptions=0 trap_wbinvd=0 bhyve_xcpuids=0 topology/cpuid_leaf_b=1 vrtc/flag_broken_time=1 \
		ppt/devices=0 iommu/initialized=0 iommu/enable=1 amdvi/iotlb_enabled=1 amdvi/ptp_level=4 amdvi/disable_io_fault=0 \
		amdvi/domain_id=0 vmx/posted_interrupt_vector=-1 vmx/vpid_alloc_failed=0 vmx/no_flush_rsb=0 \
		vmx/cap/posted_interrupts=0 svm/vmcb_clean=8191 svm/disable_npf_assist=0; do
		is "${row%=*}" "${row#*=}"
	done
	# A vector of the host's, above the exceptions.
	case $(value ipinum) in
	3[2-9] | [4-9][0-9] | 1[0-9][0-9] | 2[0-4][0-9] | 25[0-5]) ;;
	*) fail "hw.vmm.ipinum is $(value ipinum)" ;;
	esac
	unload
}

# What the processor has: /proc/cpuinfo's, not our own idea.
test_facts_svm()
{
	svm || skip "no AMD-V here"
	load
	for name in initialized cr0_ones_mask cr0_zeros_mask cr4_ones_mask cr4_zeros_mask l1d_flush l1d_flush_sw; do
		is vmx/$name 0
	done
	for name in halt_exit pause_exit wbinvd_exit rdpid rdtscp unrestricted_guest monitor_trap invpcid tpr_shadowing \
		virtual_interrupt_delivery; do
		is vmx/cap/$name 0
	done
	is ept/pmap_flags 0
	is npt/pmap_flags 256
	features=$(value svm/features)
	for flag in npt:0 lbrv:1 svm_lock:2 nrip_save:3 vmcb_clean:5 flushbyasid:6 decodeassists:7; do
		if grep -qw "${flag%:*}" /proc/cpuinfo; then expected=1; else expected=0; fi
		[ $((features >> ${flag#*:} & 1)) = $expected ] || fail "hw.vmm.svm.features is $features, /proc/cpuinfo and ${flag%:*} disagree"
	done
	[ "$(value svm/num_asids)" -ge 2 ] || fail "hw.vmm.svm.num_asids is $(value svm/num_asids)"
	unload
}

test_facts_vmx()
{
	grep -qw vmx /proc/cpuinfo || skip "no VT-x here"
	load
	is vmx/initialized 1
	is svm/features 0
	is svm/num_asids 0
	is npt/pmap_flags 0
	# NE is forced on, NW and CD off; VMXE on.
	[ $(($(value vmx/cr0_ones_mask) & 0x20)) = 32 ] || fail "hw.vmm.vmx.cr0_ones_mask is $(value vmx/cr0_ones_mask)"
	[ $(($(value vmx/cr4_ones_mask) & 0x2000)) = 8192 ] || fail "hw.vmm.vmx.cr4_ones_mask is $(value vmx/cr4_ones_mask)"
	is vmx/cap/unrestricted_guest 1
	if grep -qw vid /proc/cpuinfo && grep -qw vapic_reg /proc/cpuinfo; then expected=1; else expected=0; fi
	is vmx/cap/virtual_interrupt_delivery $expected
	unload
	load_with vmx_use_apic_vid=0
	is vmx/cap/virtual_interrupt_delivery 0
	unload
}

# Tunables: the parameter comes back through the sysctl.
test_tunables()
{
	load_with maxcpu=3 maxvmms=5 halt_detection=0 trace_guest_exceptions=1 trap_wbinvd=1 cpuid_leaf_b=0 vrtc_flag_broken_time=0 \
		iommu_enable=0 svm_vmcb_clean=0x5 svm_disable_npf_assist=1
	for row in maxcpu=3 maxvmms=5 halt_detection=0 trace_guest_exceptions=1 trap_wbinvd=1 topology/cpuid_leaf_b=0 \
		vrtc/flag_broken_time=0 iommu/enable=0 svm/vmcb_clean=5 svm/disable_npf_assist=1; do
		is "${row%=*}" "${row#*=}"
	done
	unload
	for bad in maxcpu=-1 maxcpu=x svm_vmcb_clean=-1 vmx_l1d_flush=yes ept_use_superpages=2; do
		must_not insmod ./vmm.ko $bad
		! loaded || fail "loaded with $bad"
	done
}

# Every tunable of the table has its parameter, the names they had before too.
test_tunables_complete()
{
	load
	for name in maxcpu maxvmms halt_detection trace_guest_exceptions trap_wbinvd cpuid_leaf_b vrtc_flag_broken_time \
		iommu_enable amdvi_count amdvi_enable amdvi_iotlb_enabled enable_iotlb amdvi_host_ptp amdvi_ptp_level amdvi_disable_io_fault \
		vmx_l1d_flush l1d_flush vmx_l1d_flush_sw l1d_flush_sw vmx_cap_tpr_shadowing vmx_use_tpr_shadowing \
		vmx_cap_virtual_interrupt_delivery vmx_use_apic_vid vmx_cap_posted_interrupts vmx_use_apic_pir \
		ept_use_superpages ept_use_hw_ad_bits ept_use_exec_only npt_enable_superpage \
		svm_vmcb_clean svm_features svm_disable_npf_assist svm_num_asids; do
		[ -e /sys/module/vmm/parameters/$name ] || fail "no parameter $name"
	done
	unload
}

# What the host has decided is not to be had otherwise, and the log says by whom.
test_tunables_without_effect()
{
	log_mark
	load_with amdvi_ptp_level=6 vmx_cap_posted_interrupts=1 amdvi_count=3
	is amdvi/ptp_level 4
	is vmx/cap/posted_interrupts 0
	for name in amdvi_ptp_level=6 vmx_cap_posted_interrupts=1 amdvi_count=3; do
		log_has "vmm: parameter $name has no effect: " || fail "no line about $name in the log"
	done
	unload
	log_mark
	load_with amdvi_ptp_level=4 vmx_use_apic_pir=0
	! log_has 'has no effect' || fail "complains where nothing differs"
	unload
}

# svm.features and svm.num_asids can be lowered, not raised; and then guests still run.
test_tunables_svm()
{
	svm || skip "no AMD-V here"
	load
	all=$(value svm/features) asids=$(value svm/num_asids)
	unload
	load_with svm_features=1 svm_num_asids=4 npt_enable_superpage=0
	is svm/features 1
	is svm/num_asids 4
	is npt/pmap_flags 0
	must build/tests/guest-tests basic_long_mode
	unload
	load_with svm_features=0xffffffff svm_num_asids=0xffffffff svm_vmcb_clean=0
	is svm/features "$all"
	is svm/num_asids "$asids"
	must build/tests/guest-tests basic_long_mode
	unload
	# Without nested paging or an ASID nothing can run: the module loads and says so.
	for parameter in svm_features=0 svm_num_asids=1; do
		log_mark
		load_with $parameter
		log_has 'VM creation will fail' || fail "$parameter: the log does not say that no VM can be made"
		write_fails $sysctls/create a 'No such device or address'
		unload
	done
}

# The nodes of one loading are those of the next.
test_reload_keeps_the_tree()
{
	load
	first=$(cd $sysctls && find . | sort)
	unload
	[ ! -e $sysctls ] || fail "hw.vmm is there without the module"
	load
	[ "$(cd $sysctls && find . | sort)" = "$first" ] || fail "another tree after loading again"
	unload
}

# Reads and writes race with each other; values stay whole.
test_concurrent_access()
{
	load
	end=$(($(date +%s) + 3))
	for writer in 5 6; do
		while [ "$(date +%s)" -lt $end ]; do write $sysctls/maxvmms $writer; done &
	done
	while [ "$(date +%s)" -lt $end ]; do
		find $sysctls -type f -exec cat {} + >/dev/null || fail "a sysctl could not be read"
		case $(value maxvmms) in
		5 | 6 | $((4 * $(nproc)))) ;;
		*) fail "hw.vmm.maxvmms reads $(value maxvmms)" ;;
		esac
	done
	wait
	unload
}

run_tests "$@"
