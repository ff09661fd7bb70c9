// SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
#include <linux/sysctl.h>
static int fn(const struct ctl_table *t, int w, void *b, size_t *l, loff_t *p) { return 0; }
struct ctl_table probe = { .proc_handler = fn };
