# shellcheck shell=sh
# SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
#
# For the tests of this folder, on top of tests/host/lib.sh. They run on an emulated host that has, besides its own,
#   $EDU, $EDU2		edu, each behind a root port, so that its bus can be reset (0000:01:00.0, 0000:02:00.0); or,
#			with NORESET=1, on the root bus: QEMU 7.2's AMD-Vi takes all devices behind bridges for one
#   0000:00:0b.0	edu, which cannot be reset
#   0000:00:0a.0	nvme, with a function-level reset
# shellcheck source=tests/host/lib.sh
. "$(dirname "$0")/../host/lib.sh"

edu=${EDU:-0000:01:00.0} edu2=${EDU2:-0000:02:00.0} edu_plain=0000:00:0b.0 nvme=0000:00:0a.0
pci=/sys/bus/pci

# shellcheck disable=SC2034 # for those who source this
all_devices=$edu,$edu2,$edu_plain,$nvme

# What cannot be reset is given to one VM after the other all the same.
# shellcheck disable=SC2119,SC2120 # in the files that source this, it has arguments
load() { load_with; }
# shellcheck disable=SC2120
load_with() { must insmod ./vmm.ko ${NORESET:+unsafe_noreset=1} "$@"; }

driver_of()
{
	link=$(readlink "$pci/devices/$1/driver") || { echo none; return; }
	echo "${link##*/}"
}

# is_with BDF DRIVER
is_with() { [ "$(driver_of "$1")" = "$2" ] || fail "$1 is with $(driver_of "$1"), not $2"; }

# The two ways, with echo alone.
to_ppt()
{
	must write "$pci/devices/$1/driver_override" ppt
	[ ! -e "$pci/devices/$1/driver" ] || must write "$pci/devices/$1/driver/unbind" "$1"
	must write $pci/drivers_probe "$1"
	is_with "$1" ppt
}

to_host()
{
	must write "$pci/devices/$1/driver_override" '
'
	[ ! -e "$pci/devices/$1/driver" ] || must write "$pci/devices/$1/driver/unbind" "$1"
	write $pci/drivers_probe "$1" 2>/dev/null || true
}

# ppt TEST BDF...: a test of tests/ppt/ppt.c, which has to pass
ppt() { output=$(timeout 300 build/tests/ppt "$@" 2>&1) || fail "ppt $*: $output"; }

# said PATTERN: in the kernel's log since log_mark
said() { log_has "$1" || fail "the log does not say \"$1\" but: $(dmesg | tail -n "+$((log_lines + 1))" | grep vmm: | tail -n 5)"; }
# The IOMMU's own report of a device that went astray.
fault_reported() { dmesg | tail -n "+$((log_lines + 1))" | grep -qE "DMAR: .*fault|AMD-Vi: Event logged|AMD-Vi: .*IO_PAGE_FAULT"; }
