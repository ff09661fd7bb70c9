#!/bin/sh
# SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
#
# On hosts where passthrough is refused: no_iommu where there is no IOMMU, the others where it remaps no interrupts.
# tests/ppt/t_refused.sh [-l] [NAME...]
# shellcheck disable=SC2086 # addresses of devices are one word each
# shellcheck source=tests/ppt/lib.sh
. "$(dirname "$0")/lib.sh"

has_iommu() { [ -n "$(ls /sys/kernel/iommu_groups)" ]; }

refused()
{
	log_mark
	must build/tests/ppt bind_errno $edu
	[ "$output" = ENXIO ] || fail "binding gave $output"
	said "$1"
	is_with $edu ppt
	[ -z "$(cat $pci/devices/$edu/ppt_vm)" ] || fail "it has an owner"
}

test_no_iommu()
{
	! has_iommu || skip "this host has an IOMMU"
	load_with pptdevs=$edu
	refused 'vmm: no IOMMU: passthrough disabled (enable VT-d/AMD-Vi in firmware, or boot with intel_iommu=on)'
	[ "$(cat $sysctls/iommu/initialized)" = 0 ] || fail "hw.vmm.iommu.initialized is set"
	unload
}

test_p04_no_interrupt_remapping()
{
	has_iommu || skip "this host has no IOMMU"
	load_with pptdevs=$edu
	refused "vmm: $edu refused: no interrupt remapping (unsafe_interrupts=1 overrides)"
	must write /sys/module/vmm/parameters/unsafe_interrupts 1
	ppt dma $edu
	ppt msi $edu
	unload
}

test_iommu_disabled()
{
	has_iommu || skip "this host has no IOMMU"
	load_with pptdevs=$edu iommu_enable=0
	refused 'vmm: no IOMMU: passthrough disabled (the module was loaded with iommu_enable=0)'
	unload
}

run_tests "$@"
