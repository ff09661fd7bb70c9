// SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
#include <linux/iommu.h>
bool probe(struct iommu_group *g) { return iommu_group_has_isolated_msi(g); }
