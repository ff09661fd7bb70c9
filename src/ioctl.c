// SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
#include <linux/err.h>
#include <linux/fs.h>
#include <linux/nospec.h>
#include <linux/slab.h>
#include <linux/uaccess.h>
#include <vmm_linux.h>
#include "ioctl.h"
#include "trace.h"
#include "vm.h"

#define IOCTL_NR_MAX	128

static u8 first_row[IOCTL_NR_MAX];	/* index + 1 of a number's first row; 0: none. Constant after load. */

void ioctl_module_init(void)
{
	unsigned int i;

	for (i = ioctl_nrows; i-- > 0;)
		first_row[_IOC_NR(ioctl_rows[i].word)] = i + 1;
}

/* Both families keep the number in the low byte. */
static const struct ioctl_row *ioctl_find(u32 word)
{
	unsigned int nr = _IOC_NR(word), i;

	if (nr >= IOCTL_NR_MAX || !first_row[array_index_nospec(nr, IOCTL_NR_MAX)])
		return NULL;
	for (i = first_row[nr] - 1; i < ioctl_nrows && _IOC_NR(ioctl_rows[i].word) == nr; i++)
		if (ioctl_rows[i].word == word || ioctl_rows[i].fbsd_word == word)
			return &ioctl_rows[i];
	return NULL;
}

static int ioctl_one_vcpu(struct vm *vm, enum ioctl_class class, int id, ioctl_fn fn, void *arg)
{
	struct vcpu *vcpu = NULL;
	int err;

	if (class != CLASS_FIND_OR_ALL || id != -1) {
		vcpu = vm_vcpu(vm, id);
		if (IS_ERR(vcpu))
			return PTR_ERR(vcpu);
	}
	if (class != CLASS_VCPU)
		return fn(vm, vcpu, arg);
	err = vcpu_freeze(vcpu);
	if (err)
		return err;
	err = fn(vm, vcpu, arg);
	vcpu_thaw(vcpu);
	return err;
}

static int ioctl_all_vcpus(struct vm *vm, ioctl_fn fn, void *arg)
{
	int err = vm_freeze_all(vm);

	if (err)
		return err;
	err = fn(vm, NULL, arg);
	vm_thaw_all(vm);
	return err;
}

int ioctl_memory_locked(struct vm *vm, ioctl_fn fn, void *arg)
{
	int err;

	if (down_write_killable(&vm->mem.lock))
		return -EINTR;
	err = ioctl_all_vcpus(vm, fn, arg);
	up_write(&vm->mem.lock);
	return err;
}

int ioctl_locked(struct vm *vm, enum ioctl_class class, int id, ioctl_fn fn, void *arg)
{
	int err;

	switch (class) {
	case CLASS_NONE:
		return fn(vm, NULL, arg);
	case CLASS_VCPU:
	case CLASS_FIND:
	case CLASS_FIND_OR_ALL:
		return ioctl_one_vcpu(vm, class, id, fn, arg);
	case CLASS_ALL_VCPUS:
		return ioctl_all_vcpus(vm, fn, arg);
	case CLASS_MEM_READ:
		if (down_read_killable(&vm->mem.lock))
			return -EINTR;
		err = fn(vm, NULL, arg);
		up_read(&vm->mem.lock);
		return err;
	case CLASS_MEM_WRITE:
		return ioctl_memory_locked(vm, fn, arg);
	}
	return -ENOTTY;
}

long ioctl_vm(struct file *file, unsigned int word, unsigned long user)
{
	const struct ioctl_row *row;
	struct vm *vm = file->private_data;
	u64 arg[IOCTL_ARG_MAX / sizeof(u64)] COMPAT_UNINITIALIZED;
	size_t size;
	int err;

	err = vm_enter(vm);
	if (err)
		return err;
	err = -EIO;
	if (READ_ONCE(vm->dead))
		goto out;
	if (_IOC_TYPE(word) == VMM_LINUX_GROUP) {
		err = ioctl_linux(vm, word, (void __user *)user);
		goto out;
	}
	err = -ENOTTY;
	row = ioctl_find(word);
	if (!row)
		goto out;
	size = _IOC_SIZE(row->word);
	if (size > sizeof(arg))		/* all that a check of the copies could find */
		goto out;
	arg[0] = 0;
	err = -EFAULT;
	if (!(_IOC_DIR(row->word) & _IOC_WRITE))
		memset(arg, 0, size);
	else if (_copy_from_user(arg, (void __user *)user, size))
		goto out;
	err = ioctl_locked(vm, row->class, *(int *)arg, row->fn, arg);
	if (!err && (_IOC_DIR(row->word) & _IOC_READ) &&
	    _copy_to_user((void __user *)user, arg, size))
		err = -EFAULT;
out:
	trace_vmm_ioctl(vm, word, err);
	vm_leave(vm);
	return err;
}

/* --- /dev/vmmctl ------------------------------------------------------ */

/* What one open of /dev/vmmctl has promised to destroy. */
struct ctl {
	struct mutex lock;		/* vms */
	struct list_head vms;		/* struct ctl_vm */
};

struct ctl_vm {
	struct list_head link;
	struct vm *vm;			/* referenced */
};

int ioctl_ctl_open(struct file *file)
{
	struct ctl *ctl = kzalloc(sizeof(*ctl), GFP_KERNEL_ACCOUNT);

	if (!ctl)
		return -ENOMEM;
	mutex_init(&ctl->lock);
	INIT_LIST_HEAD(&ctl->vms);
	file->private_data = ctl;
	return 0;
}

int ioctl_ctl_close(struct inode *inode, struct file *file)
{
	struct ctl *ctl = file->private_data;
	struct ctl_vm *entry, *next;

	list_for_each_entry_safe(entry, next, &ctl->vms, link) {
		vm_destroy(entry->vm);
		vm_put(entry->vm);
		kfree(entry);
	}
	kfree(ctl);
	return 0;
}

/*
 * Forget VMs that somebody destroyed by name, so that a long-lived descriptor does not collect
 * them.
 */
static void ctl_prune(struct ctl *ctl)
{
	struct ctl_vm *entry, *next;

	list_for_each_entry_safe(entry, next, &ctl->vms, link) {
		if (!percpu_ref_is_dying(&entry->vm->ops))
			continue;
		list_del(&entry->link);
		vm_put(entry->vm);
		kfree(entry);
	}
}

static int ctl_create(struct ctl *ctl, struct vmmctl_vm_create *arg)
{
	struct ctl_vm *entry = NULL;
	int err;

	arg->name[sizeof(arg->name) - 1] = '\0';
	if ((arg->flags & ~VMMCTL_FLAGS_MASK) ||
	    memchr_inv(arg->reserved, 0, sizeof(arg->reserved)))
		return -EINVAL;
	if (!(arg->flags & VMMCTL_CREATE_DESTROY_ON_CLOSE))
		return vm_create(arg->name, NULL);

	entry = kzalloc(sizeof(*entry), GFP_KERNEL_ACCOUNT);
	if (!entry)
		return -ENOMEM;
	err = vm_create(arg->name, &entry->vm);
	if (err) {
		kfree(entry);
		return err;
	}
	mutex_lock(&ctl->lock);
	ctl_prune(ctl);
	list_add_tail(&entry->link, &ctl->vms);
	mutex_unlock(&ctl->lock);
	return 0;
}

static int ctl_destroy(struct vmmctl_vm_destroy *arg)
{
	arg->name[sizeof(arg->name) - 1] = '\0';
	if (memchr_inv(arg->reserved, 0, sizeof(arg->reserved)))
		return -EINVAL;
	return vm_destroy_by_name(arg->name);
}

static_assert((u32)VMM_FBSD_VMMCTL_VM_CREATE == VMMCTL_VM_CREATE, "one word in both families");
static_assert((u32)VMM_FBSD_VMMCTL_VM_DESTROY == VMMCTL_VM_DESTROY, "one word in both families");

long ioctl_ctl(struct file *file, unsigned int word, unsigned long user)
{
	union {
		struct vmmctl_vm_create create;
		struct vmmctl_vm_destroy destroy;
	} arg;

	if (word != VMMCTL_VM_CREATE && word != VMMCTL_VM_DESTROY)
		return -ENOTTY;
	if (copy_from_user(&arg, (void __user *)user, sizeof(arg)))
		return -EFAULT;
	return word == VMMCTL_VM_CREATE ? ctl_create(file->private_data, &arg.create) :
					  ctl_destroy(&arg.destroy);
}
