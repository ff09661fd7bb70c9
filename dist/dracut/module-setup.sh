#!/bin/bash
# SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
#
# dracut module, /usr/lib/dracut/modules.d/90vmm: as the hook for initramfs-tools does, puts vmm, its options and softdeps into the
# initial RAM disk, if modprobe.d has pptdevs; and loads it before udev looks at devices.

check()
{
	/usr/lib/vmm/pptdevs-softdeps "${kernel:-}" >/dev/null || return 255
}

depends() { :; }

installkernel()
{
	hostonly='' instmods vmm
}

install()
{
	local driver

	inst_multiple -o /etc/modprobe.d/*.conf /usr/lib/modprobe.d/*.conf /lib/modprobe.d/*.conf
	mkdir -p "${initdir:?}/etc/modprobe.d"
	{
		echo "# Made by the dracut module vmm: claim the devices of pptdevs before their drivers do."
		for driver in $(/usr/lib/vmm/pptdevs-softdeps "${kernel:-}"); do
			echo "softdep $driver pre: vmm"
		done
	} >"$initdir/etc/modprobe.d/vmm-pptdevs.conf"
	# shellcheck disable=SC2154 # dracut's
	inst_hook pre-trigger 00 "$moddir/load-vmm.sh"
}
