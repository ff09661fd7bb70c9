// SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
#include "../sysctl.h"
#include "svm.h"

static struct ctl_table svm_table[] = {
	SYSCTL_UINT("vmcb_clean", svm_vmcb_clean, 0444),
	SYSCTL_UINT("features", svm_caps.features, 0444),
	SYSCTL_BOOL("disable_npf_assist", svm_disable_npf_assist, 0644),
	SYSCTL_UINT("num_asids", svm_caps.asids, 0444),
	COMPAT_CTL_TABLE_END
};

static u64 npt_pmap_flags(void)
{
	return svm_caps.features && npt_enable_superpage ? SYSCTL_PMAP_SUPERPAGE : 0;
}

static struct ctl_table npt_table[] = {
	SYSCTL_FACT("pmap_flags", npt_pmap_flags),
	COMPAT_CTL_TABLE_END
};

const struct sysctl_dir svm_sysctls[] = {
	SYSCTL_DIR("hw/vmm/svm", svm_table),
	SYSCTL_DIR("hw/vmm/npt", npt_table),
	{ }
};
