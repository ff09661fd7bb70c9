// SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
#include <linux/mm.h>
void probe(struct vm_area_struct *v) { vm_flags_clear(v, VM_MAYEXEC); }
