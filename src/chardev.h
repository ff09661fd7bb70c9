/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/*
 * chardev: the device nodes and what can be done with them besides ioctl (semantics.md sections
 * 1 to 3, 5.3 to 5.5).
 */
#ifndef VMM_CHARDEV_H
#define VMM_CHARDEV_H

#include <linux/types.h>

struct vm;

int chardev_module_init(void);
void chardev_module_exit(void);

/* /dev/vmm/NAME. -EEXIST if such a node is there, -ENOMEM. Registry locked. */
int chardev_add_vm(struct vm *vm);
/* All nodes of the VM. Process context, registry not locked. */
void chardev_remove_vm(struct vm *vm);
/*
 * Rules of semantics.md 1.2 for names that become nodes: printable, no white space, no quote,
 * no slash.
 */
bool chardev_name_valid(const char *name);
/*
 * /dev/vmm.io/NAME.SEG for segment @segid; -EEXIST, -ENODEV: the VM is dying, -ENOMEM. mem.lock
 * exclusive.
 */
int chardev_add_seg(struct vm *vm, int segid);

#endif
