#!/bin/sh
# SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
#
# Reservation, assignment and release of devices, with an IOMMU and interrupt remapping. The names are those of
# catalogue's P rows. tests/ppt/t_ppt.sh [-l] [NAME...]; KILLS (200), SWAPS (100): how often.
# shellcheck disable=SC2086 # addresses of devices are one word each
# shellcheck source=tests/ppt/lib.sh
. "$(dirname "$0")/lib.sh"

# --- reservation ---

test_pptdevs_forms()
{
	log_mark
	load_with "pptdevs=0/11/0,$edu;$edu2" "pptdevs2=\";0a:1f.7, ;;\"" "pptdevs3=\"bogus 0/10/0 0/32/0 99/9/7\""
	for device in $edu $edu2 $edu_plain $nvme; do
		is_with "$device" ppt
	done
	[ "$(cat $sysctls/ppt/devices)" = 4 ] || fail "hw.vmm.ppt.devices is $(cat $sysctls/ppt/devices)"
	said 'vmm: pptdevs2: "0a:1f.7" matches no device'
	said 'vmm: pptdevs3: "bogus" is no device'
	said 'vmm: pptdevs3: "0/32/0" is no device'
	said 'vmm: pptdevs3: "99/9/7" matches no device (decimal bus/slot/func)'
	unload
	for device in $edu $nvme; do
		is_with "$device" none
		override=$(cat "$pci/devices/$device/driver_override")
		[ "$override" = "(null)" ] || [ -z "$override" ] || fail "driver_override of $device is $override"
	done
}

test_host_driver_left_alone()
{
	must modprobe nvme
	to_host $nvme
	is_with $nvme nvme
	log_mark
	load_with pptdevs=$nvme,$edu
	is_with $nvme nvme
	is_with $edu ppt
	said "vmm: $nvme is held by nvme: left alone"
	unload
	is_with $nvme nvme
}

test_force()
{
	must modprobe nvme
	to_host $nvme
	within 20 [ -b /dev/nvme0n1 ] || fail "no /dev/nvme0n1"
	must mkfs.ext4 -q -F /dev/nvme0n1
	mkdir -p /tmp/mnt
	must mount /dev/nvme0n1 /tmp/mnt
	log_mark
	load_with pptdevs=$nvme ppt_force=1
	is_with $nvme nvme
	said "vmm: $nvme in use by nvme (nvme0n1 is mounted or otherwise held): left alone"
	unload
	must umount /tmp/mnt
	log_mark
	load_with pptdevs=$nvme ppt_force=1
	is_with $nvme ppt
	said "vmm: $nvme is taken from nvme for passthrough"
	unload
}

test_hot_added()
{
	must modprobe nvme
	load_with pptdevs=$nvme
	write $pci/devices/$nvme/remove 1
	[ ! -e $pci/devices/$nvme ] || fail "$nvme does not go"
	must write $pci/rescan 1
	within 10 [ -e $pci/devices/$nvme ] || fail "$nvme does not come back"
	is_with $nvme ppt
	unload
}

# A folder of modules of its own, with vmm and nvme: depmod of all there are takes minutes here.
modules_make()
{
	release=$(uname -r)
	tree=/tmp/modules/lib/modules/$release
	[ ! -e "$tree/modules.dep" ] || return 0
	mkdir -p "$tree"
	modprobe --show-depends nvme | while read -r _ module; do
		cp "$module" "$tree/"
	done
	cp vmm.ko "$tree/"
	must depmod -b /tmp/modules "$release"
}

# softdep and options of modprobe.d: the driver's own loading brings vmm first.
test_softdep()
{
	rmmod nvme 2>/dev/null || true
	modules_make
	printf 'options vmm pptdevs="0/11/0 0/10/0"\nsoftdep nvme pre: vmm\n' >/etc/modprobe.d/vmm-test.conf
	to_host $nvme
	must modprobe -d /tmp/modules nvme
	rm /etc/modprobe.d/vmm-test.conf
	loaded || fail "modprobe nvme has not loaded vmm"
	is_with $nvme ppt
	is_with $edu_plain ppt
	[ ! -e /dev/nvme0 ] || fail "nvme has got it nevertheless"
	unload
}

# --- swapping ---

test_swaps()
{
	must modprobe nvme
	load
	to_host $nvme
	within 20 [ -b /dev/nvme0n1 ] || fail "no /dev/nvme0n1"
	echo "what was there" | dd of=/dev/nvme0n1 bs=512 conv=sync,fsync status=none
	for round in $(seq "${SWAPS:-100}"); do
		to_ppt $nvme
		to_host $nvme
		is_with $nvme nvme
	done
	within 20 [ -b /dev/nvme0n1 ] || fail "no /dev/nvme0n1 after $round swaps"
	[ "$(head -c 14 /dev/nvme0n1)" = "what was there" ] || fail "the disk has changed"
	must write $pci/devices/$nvme/driver/unbind $nvme
	unload
}

# driverctl looks for a module of the driver's name, and loads it if there is none.
test_driverctl()
{
	command -v driverctl >/dev/null || skip "no driverctl (package driverctl)"
	must modprobe nvme
	to_host $nvme
	is_with $nvme nvme
	modules_make
	must mount --bind "$tree" "/lib/modules/$release"
	must driverctl set-override $nvme ppt
	is_with $nvme ppt
	must driverctl list-overrides
	printf '%s' "$output" | grep -q "^$nvme ppt" || fail "list: $output"
	must driverctl unset-override $nvme
	is_with $nvme nvme
	must umount "/lib/modules/$release"
	within 20 [ -b /dev/nvme0n1 ] || fail "no /dev/nvme0n1"
	unload
}

test_vmmctl_ppt()
{
	vmmctl=build/tools/vmmctl/vmmctl
	must modprobe nvme
	to_host $nvme
	must_not $vmmctl ppt attach 0/10/0
	load
	is_with $nvme nvme
	must $vmmctl ppt list
	printf '%s' "$output" | grep -q "^$nvme .* nvme .* flr .*can be attached" || fail "list: $output"
	must $vmmctl ppt -n attach 0/10/0
	is_with $nvme nvme
	must $vmmctl ppt attach 0/10/0
	is_with $nvme ppt
	must $vmmctl ppt list
	printf '%s' "$output" | grep -q "^$nvme .* ppt .* ready" || fail "list: $output"
	must $vmmctl ppt detach 00:0a.0
	is_with $nvme nvme
	within 20 [ -b /dev/nvme0n1 ] || fail "no /dev/nvme0n1"
	must mkfs.ext4 -q -F /dev/nvme0n1
	mkdir -p /tmp/mnt
	must mount /dev/nvme0n1 /tmp/mnt
	must_not $vmmctl ppt attach $nvme
	printf '%s' "$output" | grep -q "in use by nvme (mounted /tmp/mnt)" || fail "mounted: $output"
	is_with $nvme nvme
	must umount /tmp/mnt
	must_not $vmmctl ppt attach 00:00.0
	must_not $vmmctl ppt attach 77/7/7
	must_not $vmmctl ppt detach $nvme
	unload
}

# --- assignment ---

one_of_c()
{
	# An earlier test may have left it with its host driver.
	rmmod nvme 2>/dev/null || true
	load_with pptdevs=$all_devices
	ppt "$@"
	unload
}

test_dma() { one_of_c dma $edu; }
test_wired() { one_of_c wired $edu; }
test_errors() { one_of_c errors $edu; }
test_msi() { one_of_c msi $edu; }
test_p03_host_addresses() { one_of_c p03 $edu $edu2; }
test_p04_p07_msix() { one_of_c p07_msix $nvme; }
test_p06_intx_always_raised() { one_of_c p06 $edu; }
test_p07_msi() { one_of_c p07 $edu; }
test_p10_reserved_by_the_iommu()
{
	log_mark
	one_of_c p10 $edu
	said "vmm: $edu refused: guest memory at 0xfee00000 is where the IOMMU has something of its own"
}
test_p12_config_edu() { one_of_c p12 $edu; }
test_p12_config_nvme() { one_of_c p12 $nvme; }

test_p01_astray()
{
	load_with pptdevs=$all_devices
	log_mark
	ppt p01 $edu
	# QEMU 7.2's AMD-Vi cannot deliver its own interrupt when interrupts are remapped: Linux learns of no event.
	[ -e /sys/class/iommu/ivhd0 ] || fault_reported || fail "the IOMMU has reported nothing"
	unload
}

kills()
{
	for round in $(seq "$1"); do
		rm -f /tmp/ready
		mkfifo /tmp/ready
		build/tests/ppt p02_dma_forever $edu >/tmp/ready &
		pid=$!
		read -r line </tmp/ready || true
		[ "$line" = ready ] || fail "round $round: $line"
		kill -9 $pid
		wait $pid 2>/dev/null || true
		within 30 [ -z "$(cat $pci/devices/$edu/ppt_vm)" ] || fail "round $round: the device stays with $(cat $pci/devices/$edu/ppt_vm)"
	done
}

# KiB of all that is not free, and of slabs that cannot be given back, once nothing is cached. What processors keep for
# their next allocation, huge pages among it, is free, though MemFree leaves it out.
memory_used()
{
	sync
	echo 3 >/proc/sys/vm/drop_caches
	sleep 1
	awk '$1 == "count:" { kept += $2 * 4 }
		/^(MemTotal|MemFree|SUnreclaim):/ { kib[$1] = $2 }
		END { print kib["MemTotal:"] - kib["MemFree:"] - kept, kib["SUnreclaim:"] }' /proc/zoneinfo /proc/meminfo
}

# What the device has in flight when its monitor dies goes nowhere; page_poison and slub_debug look for writes after free.
# Each of these monitors has 16 MiB.
test_p02_kill_during_dma()
{
	load_with pptdevs=$all_devices
	kills 5
	before=$(memory_used)
	kills "${KILLS:-200}"
	ppt p02_after $edu
	after=$(memory_used)
	note "KiB in use, of them in slabs: before $before, after $after"
	[ $((${after% *} - ${before% *})) -lt 4096 ] || fail "memory in use has grown from ${before% *} to ${after% *} KiB"
	[ $((${after#* } - ${before#* })) -lt 1024 ] || fail "slabs have grown from ${before#* } to ${after#* } KiB"
	unload
}

test_p08_group_with_a_host_driver()
{
	must modprobe ahci
	load
	to_ppt 0000:00:1f.3
	is_with 0000:00:1f.2 ahci
	log_mark
	must build/tests/ppt bind_errno 0000:00:1f.3
	[ "$output" = EBUSY ] || fail "binding gave $output"
	said 'vmm: 0000:00:1f.3 refused: IOMMU group [0-9]* also contains 0000:00:1f.2 (ahci)'
	to_host 0000:00:1f.3
	unload
}

test_p11_no_reset_method()
{
	must insmod ./vmm.ko pptdevs=$edu_plain
	log_mark
	must build/tests/ppt bind_errno $edu_plain
	[ "$output" = OK ] || fail "the first time gave $output"
	said "vmm: $edu_plain has no reset method"
	must build/tests/ppt bind_errno $edu_plain
	[ "$output" = EBUSY ] || fail "the second time gave $output"
	said "vmm: $edu_plain refused: another VM has had it"
	to_host $edu_plain
	to_ppt $edu_plain
	must build/tests/ppt bind_errno $edu_plain
	[ "$output" = OK ] || fail "after it was with the host: $output"
	must write /sys/module/vmm/parameters/unsafe_noreset 1
	must build/tests/ppt bind_errno $edu_plain
	[ "$output" = OK ] || fail "with unsafe_noreset=1: $output"
	unload
}

hold_start()
{
	rm -f /tmp/ready /tmp/hold
	mkfifo /tmp/ready /tmp/hold
	build/tests/ppt "$1" "$2" </tmp/hold >/tmp/ready &
	pid=$!
	exec 5>/tmp/hold 6</tmp/ready
	read -r line <&6 || true
	[ "$line" = ready ] || fail "$1: $line"
}

hold_end()
{
	exec 5>&-
	wait "$pid" || fail "status $? $(cat <&6)"
	exec 6<&-
}

test_p13_suspend()
{
	load_with pptdevs=$edu
	echo devices >/sys/power/pm_test
	log_mark
	hold_start hold $edu
	must_not write /sys/power/state freeze
	said "vmm: suspend blocked: VM \"ppt[0-9]*\" has passthrough device $edu"
	hold_end
	echo none >/sys/power/pm_test
	unload
}

test_p14_unload()
{
	load_with pptdevs=$edu
	hold_start hold $edu
	must_not rmmod vmm
	hold_end
	for _ in 1 2 3 4 5; do
		must rmmod vmm
		load_with pptdevs=$edu
		is_with $edu ppt
	done
	unload
}

# Removed from the bus, or just unbound, while its DMA runs.
test_p15_removed_in_use()
{
	load_with pptdevs=$edu
	log_mark
	hold_start p15 $edu
	must write $pci/devices/$edu/remove 1
	read -r line <&6 || true
	[ "$line" = told ] || fail "$line"
	hold_end
	said "vmm: $edu is taken away from VM"
	must write $pci/rescan 1
	within 10 [ -e $pci/devices/$edu ] || fail "$edu does not come back"
	is_with $edu ppt
	ppt dma $edu
	unload
}

test_p15_unbound_in_use()
{
	load_with pptdevs=$edu
	hold_start p15 $edu
	must write $pci/drivers/ppt/unbind $edu
	read -r line <&6 || true
	[ "$line" = told ] || fail "$line"
	hold_end
	to_ppt $edu
	ppt dma $edu
	unload
}

# As by QEMU's device_del, once the host has agreed: the slot's power goes, and the device with it, for good.
test_p15_ejected_in_use()
{
	slot=
	for candidate in /sys/bus/pci/slots/*; do
		[ "$(cat "$candidate/address" 2>/dev/null)" != "${edu2%.*}" ] || slot=$candidate
	done
	[ -n "$slot" ] || skip "$edu2 is in no slot"
	load_with pptdevs=$edu,$edu2
	log_mark
	hold_start p15 $edu2
	must write "$slot/power" 0
	read -r line <&6 || true
	[ "$line" = told ] || fail "$line"
	hold_end
	said "vmm: $edu2 is taken away from VM"
	[ ! -e $pci/devices/$edu2 ] || fail "$edu2 is still there"
	must write $pci/rescan 1
	[ ! -e $pci/devices/$edu2 ] || fail "the power of $edu2 is still on"
	ppt dma $edu
	unload
}

# P-09: a device that a VM has is nobody else's.
test_p09_two_owners()
{
	must modprobe nvme
	must modprobe vfio-pci
	load_with pptdevs=$edu,$nvme
	hold_start hold $edu
	for driver in vfio-pci nvme; do
		must_not write $pci/drivers/$driver/bind $edu
	done
	is_with $edu ppt
	hold_end
	unload
	rmmod vfio-pci 2>/dev/null || true
}

test_granted_to_a_user()
{
	load_with pptdevs=$edu
	chmod 666 /dev/vmmctl
	nobody="setpriv --reuid 65534 --regid 65534 --clear-groups"
	# shellcheck disable=SC2086 # words
	must $nobody build/tests/ppt bind_errno $edu
	[ "$output" = EPERM ] || fail "not granted: $output"
	must write $pci/devices/$edu/ppt_uid 65534
	log_mark
	# shellcheck disable=SC2086
	must prlimit --memlock=1048576 $nobody build/tests/ppt bind_errno $edu
	[ "$output" = ENOMEM ] || fail "with RLIMIT_MEMLOCK of 1 MiB: $output"
	said 'cannot pin 16 MiB (RLIMIT_MEMLOCK 1024 KiB)'
	# shellcheck disable=SC2086
	must prlimit --memlock=33554432 $nobody build/tests/ppt granted $edu
	must write $pci/devices/$edu/ppt_uid none
	# shellcheck disable=SC2086
	must $nobody build/tests/ppt bind_errno $edu
	[ "$output" = EPERM ] || fail "taken back: $output"
	unload
}

run_tests "$@"
