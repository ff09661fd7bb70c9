#!/bin/sh
# SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
#
# Guests that use a device with their own driver. VMLINUZ, INITRAMFS: the guest's. tests/ppt/t_guest.sh [-l] [NAME...]
# shellcheck disable=SC2086 # addresses of devices are one word each
# shellcheck source=tests/ppt/lib.sh
. "$(dirname "$0")/lib.sh"

: "${VMLINUZ:?}" "${INITRAMFS:?}"

nic=0000:00:0c.0 usb=0000:00:0d.0

# guest WHAT [KERNEL ARGUMENT]... -- [VMMRUN ARGUMENT]...: its console in $console
guest()
{
	arguments="ppt.test=$1"
	shift
	while [ "$1" != -- ]; do
		arguments="$arguments $1"
		shift
	done
	shift
	timeout 600 build/tools/vmmrun/vmmrun -m 256M -k "$VMLINUZ" -i "$INITRAMFS" \
		-a "console=ttyS0 quiet no_timer_check tsc=reliable panic=-1 $arguments" "$@" guest >/tmp/console 2>&1 && status=0 || status=$?
	console=$(tr -d '\r' </tmp/console)
	[ "$status" = 1 ] || fail "vmmrun: status $status: $(printf '%s' "$console" | tail -n 30)"
	guest_said 'all done' || fail "$(printf '%s' "$console" | tail -n 30)"
}

guest_said() { printf '%s' "$console" | grep -q "^guest: $1"; }
must_say() { guest_said "$1" || fail "the guest does not say \"$1\" but: $(printf '%s' "$console" | grep ^guest:)"; }

expected() { sh tests/ppt/pattern | md5sum | cut -d ' ' -f 1; }

disk_of_host()
{
	to_host $nvme
	is_with $nvme nvme
	within 30 [ -b /dev/nvme0n1 ] || fail "no /dev/nvme0n1"
}

devices_are_there()
{
	for device in $nvme $nic $usb; do
		[ -e "$pci/devices/$device" ] || fail "this host has no $device"
	done
}

# The host never sees the disk before the guest has used it; then the host's driver reads what the guest wrote.
test_three_devices_by_msix()
{
	devices_are_there
	rmmod nvme 2>/dev/null || true
	load_with "pptdevs=0/10/0,$nic;$usb"
	must modprobe --all nvme e1000e xhci_pci
	for device in $nvme $nic $usb; do
		is_with $device ppt
	done
	[ ! -e /dev/nvme0 ] || fail "the host's driver has got it"
	guest nvme,net,usb -- -c 2 --passthru 0/10/0 --passthru 0/12/0 --passthru 00:0d.0
	must_say "md5 $(expected)"
	must_say 'nvme: [0-9]* interrupts by PCI-MSI$'
	must_say 'net: [0-9]* interrupts by PCI-MSI$'
	must_say 'lease 10\.0\.2\.'
	must_say 'USB device 0627:0001'
	disk_of_host
	sum=$(md5sum </dev/nvme0n1)
	[ "${sum%% *}" = "$(expected)" ] || fail "the host reads something else: $sum"
	to_host $nic
	to_host $usb
	unload
}

# With P-05: registers while they are not decoded. At the end P-15: the disk is pulled out while the guest writes to it.
test_three_devices_by_intx()
{
	devices_are_there
	must modprobe nvme
	disk_of_host
	sh tests/ppt/pattern >/dev/nvme0n1 2>/dev/null
	sync
	load
	for device in $nvme $nic $usb; do
		to_ppt $device
	done
	log_mark
	: >/tmp/console
	(
		within 500 grep -q '^guest: writing' /tmp/console
		sleep 1
		write $pci/devices/$nvme/remove 1
	) >/dev/null 3>&1 &
	guest p05,nvme-read,net,usb,nvme-until-gone pci=nomsi nvme_core.io_timeout=10 -- \
		--passthru $nvme --passthru $nic --passthru $usb
	must_say "md5 $(expected)"
	must_say 'nvme: [0-9]* interrupts by IO-APIC$'
	must_say 'net: [0-9]* interrupts by IO-APIC$'
	must_say 'USB device 0627:0001'
	must_say 'a write has failed'
	must_say 'the disk is gone'
	printf '%s' "$console" | grep -q "$nvme was taken away by the host" || fail "vmmrun does not say so: $console"
	said "vmm: $nvme is taken away from VM"
	wait
	must write $pci/rescan 1
	within 10 [ -e $pci/devices/$nvme ] || fail "$nvme does not come back"
	disk_of_host
	to_host $nic
	to_host $usb
	unload
}

run_tests "$@"
