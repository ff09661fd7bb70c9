/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/*
 * vm: one virtual machine, from its creation by name to its destruction.
 *
 * Life. The registry (under registry_lock) holds one reference, every open
 * file another; vm_put() of the last one frees the structure. Destruction
 * happens earlier and only once: the VM leaves the registry, vm->ops is killed
 * so that no operation starts any more, threads inside are told to leave, and
 * when the last has gone everything but the shell is torn down. Operations on
 * descriptors that stay open get ENXIO from vm_enter().
 *
 * Lock order: registry_lock; pause_lock; mem.lock; vcpus_lock; vCPU frozen (in id
 * order); chip locks; vcpu->lock.
 */
#ifndef VMM_VM_H
#define VMM_VM_H

#include <linux/completion.h>
#include <linux/kref.h>
#include <linux/list.h>
#include <linux/mutex.h>
#include <linux/percpu-refcount.h>
#include <linux/uidgid.h>
#include <linux/workqueue.h>
#include <vmm_linux.h>
#include "backend.h"
#include "dev/bus.h"
#include "dev/irq.h"
#include "dev/vtimer.h"
#include "eventfd.h"
#include "mem/mem.h"
#include "pvmsr.h"
#include "vcpu.h"
#include "x86/cpuid.h"

struct dentry;
struct device;
struct ppt_vm;
struct vatpic;
struct vatpit;
struct vhpet;
struct vioapic;
struct vpmtmr;
struct vrtc;

struct vm {
	char name[VM_MAX_NAMELEN + 1];	/* constant */
	kuid_t owner;			/* constant: who created it */
	const struct backend *backend;	/* constant */
	struct kref kref;
	struct list_head link;		/* registry_lock */
	struct percpu_ref ops;		/* operations under way */
	struct completion ops_drained;
	enum { DRAIN_PENDING, DRAIN_DONE, DRAIN_HANDED_OVER } drain;	/* cmpxchg: who finishes the destruction */
	struct work_struct finish_work;
	int minor;			/* constant */
	struct device *node;		/* registry_lock: /dev/vmm/NAME */
	struct dentry *debugfs;		/* debugfs.c: its folder, or NULL */
	struct device *seg_nodes[MEM_MAX_SEGS];	/* registry_lock: /dev/vmm.io/NAME.SEG */

	struct vm_mem mem;		/* mem.lock */
	void *backend_vm;		/* constant: struct svm_vm, struct vmx_vm */
	bool dead;			/* atomic: found inconsistent, every ioctl gets EIO */

	unsigned int maxcpus;		/* constant */
	struct mutex vcpus_lock;	/* creation of vCPUs, freezing them all */
	struct vcpu **vcpus;		/* [maxcpus]; entries published by release under vcpus_lock, gone at destruction */
	bool vcpus_closed;		/* vcpus_lock: dying, no new vCPU */

	raw_spinlock_t suspend_lock;
	enum vm_suspend_how suspend;	/* suspend_lock */
	wait_queue_head_t barrier;	/* vCPUs that wait for the others to be suspended */
	DECLARE_BITMAP(suspended, VM_MAXCPU);	/* atomic bits: at the barrier */
	DECLARE_BITMAP(halted, VM_MAXCPU);	/* atomic bits: in HLT with interrupts off */
	DECLARE_BITMAP(debug, VM_MAXCPU);	/* atomic bits: the debug set */

	struct mutex pause_lock;	/* VML_PAUSE and VML_RESUME, one at a time */
	bool pausing;			/* vcpus_lock: new vCPUs have VCPU_REQ_PAUSE from the start */
	bool has_run;			/* a vCPU has been in VM_RUN; set with that vCPU frozen, read with all */

	struct cpuid_policy cpuid;	/* constant but for the topology (WRITE_ONCE): what CPUID answers */

	struct vclock clock;
	raw_spinlock_t time_lock;
	bool time_stopped;		/* time_lock; read without it before guest entry */
	bool paused;			/* time_lock: time stands until timebase_resume() */
	u64 time_stopped_tsc;		/* time_lock: host TSC at which it was */
	u64 tsc_base;			/* time_lock: tsc_offset of a new vCPU */
	struct pvmsr_clock pvclock;
	struct bus bus;
	struct irq irq;
	struct eventfds eventfds;
	struct vioapic *vioapic;	/* constant from here on */
	struct vatpic *vatpic;
	struct vatpit *vatpit;
	struct vhpet *vhpet;
	struct vpmtmr *vpmtmr;
	struct vrtc *vrtc;
	struct ppt_vm *ppt;		/* constant: PCI devices passed through */
};

/* Module life. */
int vm_module_init(const struct backend *backend);	/* @backend NULL: no hardware, creation fails with ENXIO */
void vm_module_exit(void);

/**
 * vm_create() - make a machine and its node
 * @name: 1 to VM_MAX_NAMELEN bytes, rules of semantics.md 1.2, no slash
 * @vmp: takes the VM with a reference, or NULL if none is wanted
 * Return: 0; -EINVAL bad name; -EEXIST; -ENXIO no hardware; -EBUSY hardware held by another
 * hypervisor; -ENOMEM, also for more than hw.vmm.maxvmms of this user. Process context.
 */
int vm_create(const char *name, struct vm **vmp);
/*
 * -EINVAL: not found or already dying; -EPERM. The VM is gone for everybody when it returns,
 * within about a second. Process context.
 */
int vm_destroy_by_name(const char *name);
void vm_destroy(struct vm *vm);			/* no-op if somebody else was first */
void vm_stop_all(void);				/* before reboot: every VM_RUN ends. Process context. */
/* True if the caller may destroy it: its owner, or CAP_SYS_ADMIN. */
bool vm_may_destroy(const struct vm *vm);
struct vm *vm_get_by_minor(int minor);		/* NULL; takes a reference */
void vm_put(struct vm *vm);
void vm_registry_lock(void);
void vm_registry_unlock(void);

/* Start and end of an operation on a descriptor; -ENXIO: destroyed. Any context. */
int vm_enter(struct vm *vm);
void vm_leave(struct vm *vm);
/* Inconsistent: say so once, stop every vCPU. Any context. */
void vm_mark_dead(struct vm *vm, const char *why);

/* vCPU @id, made on first use. ERR_PTR: -EINVAL bad id or dying, -ENOMEM. Sleeps. */
struct vcpu *vm_vcpu(struct vm *vm, int id);
/* vCPU @id if it exists, else NULL. Any context. */
struct vcpu *vm_vcpu_find(struct vm *vm, unsigned int id);
/* All that exist, and no new ones meanwhile. 0 or -EINTR (fatal signal). Sleeps. */
int vm_freeze_all(struct vm *vm);
void vm_thaw_all(struct vm *vm);

/* The window at 0xfee00000: a bus_mmio_fn that picks the accessing vCPU's own APIC. */
int vm_vlapic_mmio(void *vm, unsigned int vcpuid, u64 offset, bool write, int bytes, u64 *val);

#define vm_for_each_vcpu(vm, vcpu, id)						\
	for ((id) = 0; (id) < (vm)->maxcpus; (id)++)				\
		if (((vcpu) = vm_vcpu_find(vm, id)))

/* semantics.md section 10. 0, -EINVAL, -EALREADY. Any context. */
int vm_suspend(struct vm *vm, int how);
int vm_reinit(struct vm *vm);			/* -EBUSY. mem.lock exclusive, all frozen. */
/* semantics.md section 11. */
int vm_activate_vcpu(struct vcpu *vcpu);	/* -EBUSY. Frozen. */
int vm_debug_vcpus(struct vm *vm, int id, bool on);	/* id -1: all; -EINVAL */
/* VML_FEATURE_WIDE_CPUID. No vCPU has run, all frozen. */
void vm_set_wide_cpuid(struct vm *vm, bool wide);
int vm_set_topology(struct vm *vm, u16 sockets, u16 cores, u16 threads);	/* -EINVAL */

/* Module parameters that several rooms read. */
#define VMM_MINORS	(1 << 16)	/* VMs at a time */

extern unsigned int vmm_maxcpu;
extern unsigned int vmm_maxvmms;
extern bool vmm_halt_detection;
extern bool vmm_trace_guest_exceptions;
extern bool vmm_trap_wbinvd;
extern bool vmm_cpuid_leaf_b;
extern u64 vmm_xcpuids;
/* The host's CPUID, read once at load. */
extern struct cpuid_host vmm_cpuid_host;

#endif
