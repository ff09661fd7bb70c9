// SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
#include <linux/sysctl.h>
void *probe(struct ctl_table *t) { return register_sysctl_sz("x", t, 1); }
