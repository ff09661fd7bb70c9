#!/bin/sh
# SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
#
# Guests that use a device with their own driver. VMLINUZ, INITRAMFS: the guest's. tests/ppt/t_guest.sh [-l] [NAME...]
# shellcheck disable=SC2086 # addresses of devices are one word each
# shellcheck source=tests/ppt/lib.sh
. "$(dirname "$0")/lib.sh"

: "${VMLINUZ:?}" "${INITRAMFS:?}"

# guest BDF WHAT [KERNEL ARGUMENT]...: its console in $console
guest()
{
	device=$1 what=$2
	shift 2
	console=$(timeout 1200 build/tools/vmmrun/vmmrun -m 256M -k "$VMLINUZ" -i "$INITRAMFS" \
		-a "console=ttyS0 quiet no_timer_check tsc=reliable panic=-1 ppt.test=$what $*" --passthru "$device" guest 2>&1) && status=0 || status=$?
	[ "$status" = 1 ] || fail "vmmrun: status $status: $(printf '%s' "$console" | tail -n 30)"
	printf '%s' "$console" | grep -q '^guest: all done' || fail "$(printf '%s' "$console" | tail -n 30)"
}

expected() { sh tests/ppt/pattern | md5sum | cut -d ' ' -f 1; }

disk_of_host()
{
	to_host $nvme
	is_with $nvme nvme
	within 30 [ -b /dev/nvme0n1 ] || fail "no /dev/nvme0n1"
}

guest_reads_back()
{
	printf '%s' "$console" | grep -q "^guest: md5 $(expected)" || fail "guest read something else: $(printf '%s' "$console" | grep ^guest:)"
}

# The host never sees the disk before the guest has used it; then the host's driver reads what the guest wrote.
test_nvme_msix()
{
	load_with pptdevs=$nvme
	must modprobe nvme
	is_with $nvme ppt
	[ ! -e /dev/nvme0 ] || fail "the host's driver has got it"
	guest 0/10/0 nvme
	guest_reads_back
	printf '%s' "$console" | grep -q '^guest: interrupts .*PCI-MSI' || fail "no MSI-X: $(printf '%s' "$console" | grep ^guest:)"
	disk_of_host
	sum=$(md5sum </dev/nvme0n1)
	[ "${sum%% *}" = "$(expected)" ] || fail "the host reads something else: $sum"
	unload
}

test_nvme_intx()
{
	must modprobe nvme
	load
	to_ppt $nvme
	guest 00:0a.0 nvme-read pci=nomsi
	guest_reads_back
	printf '%s' "$console" | grep -q '^guest: interrupts .*IO-APIC' || fail "no INTx: $(printf '%s' "$console" | grep ^guest:)"
	disk_of_host
	unload
}

test_e1000e()
{
	[ -e $pci/devices/0000:00:0c.0 ] || skip "this host has no e1000e"
	load
	to_ppt 0000:00:0c.0
	guest 0/12/0 net
	to_host 0000:00:0c.0
	unload
}

test_xhci()
{
	[ -e $pci/devices/0000:00:0d.0 ] || skip "this host has no qemu-xhci"
	load
	to_ppt 0000:00:0d.0
	guest 0/13/0 usb
	printf '%s' "$console" | grep -q '^guest: USB device 0627:0001' || fail "another device: $console"
	to_host 0000:00:0d.0
	unload
}

run_tests "$@"
