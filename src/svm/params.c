// SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
/* The parameters of this room: FreeBSD's loader tunables hw.vmm.svm.* and hw.vmm.npt.*. */
#include <linux/moduleparam.h>
#include "svm.h"

unsigned int svm_vmcb_clean = CLEAN_ALL;
module_param_named(svm_vmcb_clean, svm_vmcb_clean, uint, 0444);
MODULE_PARM_DESC(svm_vmcb_clean, "VMCB field groups that the CPU may keep between entries, a mask; 0: none (hw.vmm.svm.vmcb_clean)");

unsigned int svm_features = ~0U;
module_param_named(svm_features, svm_features, uint, 0444);
MODULE_PARM_DESC(svm_features, "mask over the SVM features that CPUID 0x8000000A EDX shows (hw.vmm.svm.features)");

bool svm_disable_npf_assist;
module_param_named(svm_disable_npf_assist, svm_disable_npf_assist, bool, 0444);
MODULE_PARM_DESC(svm_disable_npf_assist, "fetch instructions from guest memory though the CPU hands them over (hw.vmm.svm.disable_npf_assist, writable)");

unsigned int svm_num_asids;
module_param_named(svm_num_asids, svm_num_asids, uint, 0444);
MODULE_PARM_DESC(svm_num_asids, "ASIDs to use, the host's own included, if fewer than the CPU has; 0: all (hw.vmm.svm.num_asids)");

bool npt_enable_superpage = true;
module_param_named(npt_enable_superpage, npt_enable_superpage, bool, 0444);
MODULE_PARM_DESC(npt_enable_superpage, "map guest memory by 2 MiB where it is contiguous (hw.vmm.npt.enable_superpage)");
