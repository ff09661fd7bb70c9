/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/*
 * debugfs: /sys/kernel/debug/vmm/NAME/{state,memory} and vcpuN/{state,stats}: what a VM does, as
 * text, without stopping it. For people: there is no promise about the form.
 */
#ifndef VMM_DEBUGFS_H
#define VMM_DEBUGFS_H

struct vcpu;
struct vm;

/* Kernels without debugfs, or locked down: all of these do nothing. */
void debugfs_module_init(void);
void debugfs_module_exit(void);

void debugfs_add_vm(struct vm *vm);		/* registry_lock; the VM is complete */
void debugfs_remove_vm(struct vm *vm);		/* registry_lock; nobody reads it when it returns */
void debugfs_add_vcpu(struct vcpu *vcpu);	/* vm->vcpus_lock; it can be found already */

#endif
