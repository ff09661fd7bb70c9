/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* compat_mm: vm_flags_set() and vm_flags_clear() where the kernel has no such accessors yet. */
#ifndef VMM_COMPAT_MM_H
#define VMM_COMPAT_MM_H

#include <linux/mm.h>

#ifndef HAVE_VM_FLAGS_CLEAR
static inline void vm_flags_clear(struct vm_area_struct *vma, vm_flags_t flags)
{
	vma->vm_flags &= ~flags;
}

static inline void vm_flags_set(struct vm_area_struct *vma, vm_flags_t flags)
{
	vma->vm_flags |= flags;
}
#endif

#endif
