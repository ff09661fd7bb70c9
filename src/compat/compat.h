/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/*
 * compat: the only place that knows that kernels differ. Force-included; the rest is written
 * for the newest API. HAVE_* comes from probes (probe.sh), never from a version number.
 */
#ifndef VMM_COMPAT_H
#define VMM_COMPAT_H

#include "compat_config.h"

#ifdef __ASSEMBLY__

#ifdef HAVE_UNTRAIN_RET_VM
#define COMPAT_UNTRAIN_RET_VM	UNTRAIN_RET_VM
#else
#define COMPAT_UNTRAIN_RET_VM	UNTRAIN_RET
#endif

#ifdef HAVE_VM_CLEAR_CPU_BUFFERS
#define COMPAT_VM_CLEAR_CPU_BUFFERS	VM_CLEAR_CPU_BUFFERS
#else
#define COMPAT_VM_CLEAR_CPU_BUFFERS	CLEAR_CPU_BUFFERS
#endif

#else /* !__ASSEMBLY__ */

/* A buffer that is written before it is read, where the compiler would clear it first. */
#if __has_attribute(uninitialized)
#define COMPAT_UNINITIALIZED	__attribute__((uninitialized))
#else
#define COMPAT_UNINITIALIZED
#endif

#ifdef HAVE_CLASS_CREATE_NAME_ONLY
#define compat_class_create(name)	class_create(name)
#else
#define compat_class_create(name)	class_create(THIS_MODULE, name)
#endif

#ifdef HAVE_DEVNODE_CONST_DEVICE
#define COMPAT_DEVNODE_CONST	const
#else
#define COMPAT_DEVNODE_CONST
#endif

#ifdef HAVE_CTL_TABLE_CONST
#define COMPAT_CTL_TABLE	const struct ctl_table
#else
#define COMPAT_CTL_TABLE	struct ctl_table
#endif

/* Tables end by their size where register_sysctl() takes one, else by an empty row. */
#ifdef HAVE_REGISTER_SYSCTL_SIZED
#define COMPAT_CTL_TABLE_END
#define compat_register_sysctl(path, rows, count)	register_sysctl_sz(path, rows, count)
#else
#define COMPAT_CTL_TABLE_END	{ },
#define compat_register_sysctl(path, rows, count)	register_sysctl(path, rows)
#endif

#ifdef HAVE_RCU_VIRT_NOTE_PLAIN
#define compat_rcu_virt_note_context_switch()	rcu_virt_note_context_switch()
#else
#define compat_rcu_virt_note_context_switch()	rcu_virt_note_context_switch(smp_processor_id())
#endif

#ifdef HAVE_EVENTFD_SIGNAL_ONE
#define compat_eventfd_signal(ctx)	eventfd_signal(ctx)
#else
#define compat_eventfd_signal(ctx)	eventfd_signal(ctx, 1)
#endif

#endif /* __ASSEMBLY__ */
#endif
