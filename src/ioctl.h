/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* ioctl: the door. One table of requests, with what each locks; one dispatcher. */
#ifndef VMM_IOCTL_H
#define VMM_IOCTL_H

#include <linux/types.h>

struct file;
struct inode;
struct vcpu;
struct vm;

/*
 * Lock classes of semantics.md section 3.3. The first int of the argument names the vCPU in A,
 * E and F.
 */
enum ioctl_class {
	CLASS_NONE,		/* G: nothing */
	CLASS_VCPU,		/* A: one vCPU, frozen */
	CLASS_MEM_WRITE,	/* B: mem.lock exclusive, all vCPUs frozen */
	CLASS_ALL_VCPUS,	/* C: all vCPUs frozen */
	CLASS_MEM_READ,		/* D: mem.lock shared */
	CLASS_FIND,		/* E: vCPU looked up, made on first use */
	CLASS_FIND_OR_ALL,	/* F: as E, or -1 */
};

/*
 * A handler gets the argument as the kernel's own copy; what it writes there is copied out if
 * the request's direction says so and the handler returns 0. @vcpu: classes A, E, F (NULL for -1).
 */
typedef int (*ioctl_fn)(struct vm *vm, struct vcpu *vcpu, void *arg);

#define IOCTL_ARG_MAX	544	/* struct vm_stats */

struct ioctl_row {
	u32 word;		/* Linux's request word */
	u32 fbsd_word;		/* FreeBSD's */
	enum ioctl_class class;
	ioctl_fn fn;
};

/* ioctl_ops.c */
int op_run_linux(struct vm *vm, struct vcpu *vcpu, void *arg);
/* ioctl_ppt.c */
int op_bind_pptdev(struct vm *vm, struct vcpu *vcpu, void *arg);
int op_unbind_pptdev(struct vm *vm, struct vcpu *vcpu, void *arg);
int op_map_pptdev_mmio(struct vm *vm, struct vcpu *vcpu, void *arg);
int op_unmap_pptdev_mmio(struct vm *vm, struct vcpu *vcpu, void *arg);
int op_pptdev_msi(struct vm *vm, struct vcpu *vcpu, void *arg);
int op_pptdev_msix(struct vm *vm, struct vcpu *vcpu, void *arg);
int op_pptdev_disable_msix(struct vm *vm, struct vcpu *vcpu, void *arg);
int op_ppt_bind(struct vm *vm, struct vcpu *vcpu, void *arg);
int op_ppt_unbind(struct vm *vm, struct vcpu *vcpu, void *arg);
int op_ppt_info(struct vm *vm, struct vcpu *vcpu, void *arg);
int op_ppt_map(struct vm *vm, struct vcpu *vcpu, void *arg);
int op_ppt_unmap(struct vm *vm, struct vcpu *vcpu, void *arg);
int op_ppt_irq(struct vm *vm, struct vcpu *vcpu, void *arg);
int op_ppt_access(struct vm *vm, struct vcpu *vcpu, void *arg);
int op_ppt_reset(struct vm *vm, struct vcpu *vcpu, void *arg);
int op_ppt_event(struct vm *vm, struct vcpu *vcpu, void *arg);

extern const struct ioctl_row ioctl_rows[];	/* ioctl_ops.c, grouped by number, ascending */
extern const unsigned int ioctl_nrows;

/*
 * Call @fn with what @class locks; @id: the vCPU in classes A, E and F. What @fn returns, or
 * -EINTR, -EINVAL or -ENOMEM if the locks or the vCPU cannot be had. Process context, inside vm_enter().
 */
int ioctl_locked(struct vm *vm, enum ioctl_class class, int id, ioctl_fn fn, void *arg);

/* Requests of group VMM_LINUX_GROUP: src/ioctl_linux.c. Inside vm_enter(), the VM is not dead. */
long ioctl_linux(struct vm *vm, unsigned int word, void __user *user);

/*
 * What class B does around @fn, for a request that has to look at its caller's memory first: no
 * lock is held around that. Process context; -EINTR: a fatal signal came first.
 */
int ioctl_memory_locked(struct vm *vm, ioctl_fn fn, void *arg);

void ioctl_module_init(void);
long ioctl_vm(struct file *file, unsigned int word, unsigned long user);

/*
 * /dev/vmmctl: VMMCTL_VM_CREATE and _DESTROY; VMs made with destroy-on-close die with the
 * descriptor.
 */
int ioctl_ctl_open(struct file *file);
int ioctl_ctl_close(struct inode *inode, struct file *file);
long ioctl_ctl(struct file *file, unsigned int word, unsigned long user);

#endif
