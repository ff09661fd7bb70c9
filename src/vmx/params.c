// SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
/*
 * The parameters of this room: FreeBSD's loader tunables hw.vmm.vmx.* and hw.vmm.ept.*, with
 * the names that they had before as well.
 */
#include <linux/moduleparam.h>
#include "vmx.h"

int vmx_l1d_flush = -1;
module_param_named(vmx_l1d_flush, vmx_l1d_flush, int, 0444);
MODULE_PARM_DESC(vmx_l1d_flush, "flush the L1D cache at entry: 1 yes, 0 no, -1 as the kernel's l1tf= and kvm-intel.vmentry_l1d_flush= say (hw.vmm.vmx.l1d_flush)");
module_param_named(l1d_flush, vmx_l1d_flush, int, 0444);
MODULE_PARM_DESC(l1d_flush, "the same as vmx_l1d_flush (hw.vmm.l1d_flush)");

int vmx_l1d_flush_sw = -1;
module_param_named(vmx_l1d_flush_sw, vmx_l1d_flush_sw, int, 0444);
MODULE_PARM_DESC(vmx_l1d_flush_sw, "flush it by reading memory: 1 yes, 0 never, -1 where the CPU has no MSR for it (hw.vmm.vmx.l1d_flush_sw)");
module_param_named(l1d_flush_sw, vmx_l1d_flush_sw, int, 0444);
MODULE_PARM_DESC(l1d_flush_sw, "the same as vmx_l1d_flush_sw (hw.vmm.l1d_flush_sw)");

bool vmx_no_flush_rsb;	/* hw.vmm.vmx.no_flush_rsb */

bool vmx_cap_tpr_shadowing = true;
module_param_named(vmx_cap_tpr_shadowing, vmx_cap_tpr_shadowing, bool, 0444);
MODULE_PARM_DESC(vmx_cap_tpr_shadowing, "use the TPR shadow where the CPU has it (hw.vmm.vmx.cap.tpr_shadowing)");
module_param_named(vmx_use_tpr_shadowing, vmx_cap_tpr_shadowing, bool, 0444);
MODULE_PARM_DESC(vmx_use_tpr_shadowing, "the same as vmx_cap_tpr_shadowing (hw.vmm.vmx.use_tpr_shadowing)");

bool vmx_cap_intr_delivery = true;
module_param_named(vmx_cap_virtual_interrupt_delivery, vmx_cap_intr_delivery, bool, 0444);
MODULE_PARM_DESC(vmx_cap_virtual_interrupt_delivery, "let the CPU deliver APIC interrupts and carry out x2APIC accesses where it can (hw.vmm.vmx.cap.virtual_interrupt_delivery)");
module_param_named(vmx_use_apic_vid, vmx_cap_intr_delivery, bool, 0444);
MODULE_PARM_DESC(vmx_use_apic_vid, "the same as vmx_cap_virtual_interrupt_delivery (hw.vmm.vmx.use_apic_vid)");

bool ept_use_superpages = true;
module_param_named(ept_use_superpages, ept_use_superpages, bool, 0444);
MODULE_PARM_DESC(ept_use_superpages, "map guest memory by 2 MiB where it is contiguous and the CPU can (hw.vmm.ept.use_superpages)");

bool ept_use_hw_ad_bits = true;
module_param_named(ept_use_hw_ad_bits, ept_use_hw_ad_bits, bool, 0444);
MODULE_PARM_DESC(ept_use_hw_ad_bits, "accessed and dirty bits by hardware where the CPU can (hw.vmm.ept.use_hw_ad_bits)");

bool ept_use_exec_only = true;
module_param_named(ept_use_exec_only, ept_use_exec_only, bool, 0444);
MODULE_PARM_DESC(ept_use_exec_only, "execute-only mappings where the CPU can (hw.vmm.ept.use_exec_only)");
