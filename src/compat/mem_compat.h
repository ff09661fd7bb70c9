/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/*
 * mem_compat: what guest memory needs of newer kernels, for older ones. Macros only: a header
 * included from here would come before the pr_fmt() of every file.
 *
 * HAVE_VM_FLAGS_CLEAR: this compiles:
 *	#include <linux/mm.h>
 *	void probe(struct vm_area_struct *vma) { vm_flags_clear(vma, VM_MAYEXEC); }
 */
#ifndef VMM_COMPAT_MEM_COMPAT_H
#define VMM_COMPAT_MEM_COMPAT_H

#ifndef HAVE_VM_FLAGS_CLEAR
#define vm_flags_clear(vma, flags)	((vma)->vm_flags &= ~(flags))
#endif

#endif
