// SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
#define pr_fmt(fmt) "vmm: " fmt
#include <linux/cdev.h>
#include <linux/ctype.h>
#include <linux/device.h>
#include <linux/fs.h>
#include <linux/miscdevice.h>
#include <linux/mm.h>
#include <linux/module.h>
#include <linux/slab.h>
#include <linux/uaccess.h>
#include <vmm_linux.h>
#include "chardev.h"
#include "ioctl.h"
#include "vm.h"

/*
 * Minor numbers: a VM has one, vm->minor; its segment nodes have numbers of a second
 * region, minor * MEM_MAX_SEGS + segid, so that open() finds both by arithmetic.
 */
static dev_t vm_region, seg_region;
static struct cdev vm_cdev, seg_cdev;
static struct class *vmm_class;

/* --- /dev/vmm/NAME ---------------------------------------------------- */

static int vm_node_open(struct inode *inode, struct file *file)
{
	struct vm *vm = vm_get_by_minor(iminor(inode));

	if (!vm)
		return -ENXIO;
	file->private_data = vm;
	return 0;
}

static int node_close(struct inode *inode, struct file *file)
{
	vm_put(file->private_data);
	return 0;
}

static ssize_t vm_node_read(struct file *file, char __user *buf, size_t len, loff_t *pos)
{
	struct vm *vm = file->private_data;
	ssize_t done = vm_enter(vm);

	if (done)
		return done;
	done = mem_read_user(&vm->mem, *pos, buf, len);
	vm_leave(vm);
	if (done > 0)
		*pos += done;
	return done;
}

static ssize_t vm_node_write(struct file *file, const char __user *buf, size_t len, loff_t *pos)
{
	struct vm *vm = file->private_data;
	ssize_t done = vm_enter(vm);

	if (done)
		return done;
	done = mem_write_user(&vm->mem, *pos, buf, len);
	vm_leave(vm);
	if (done > 0)
		*pos += done;
	return done;
}

static int vm_node_mmap(struct file *file, struct vm_area_struct *vma)
{
	struct vm *vm = file->private_data;
	int err = vm_enter(vm);

	if (err)
		return err;
	err = memmap_mmap(&vm->mem, vma);
	vm_leave(vm);
	return err;
}

static const struct file_operations vm_fops = {
	.owner = THIS_MODULE,
	.open = vm_node_open,
	.release = node_close,
	.llseek = default_llseek,
	.read = vm_node_read,
	.write = vm_node_write,
	.mmap = vm_node_mmap,
	.get_unmapped_area = thp_get_unmapped_area,
	.unlocked_ioctl = ioctl_vm,
};

/* --- /dev/vmm.io/NAME.SEG --------------------------------------------- */

static int seg_node_open(struct inode *inode, struct file *file)
{
	struct vm *vm = vm_get_by_minor(iminor(inode) / MEM_MAX_SEGS);

	if (!vm)
		return -ENXIO;
	file->private_data = vm;
	return 0;
}

static int seg_node_mmap(struct file *file, struct vm_area_struct *vma)
{
	struct vm *vm = file->private_data;
	int err = vm_enter(vm);

	if (err)
		return err;
	err = memseg_mmap(&vm->mem, iminor(file_inode(file)) % MEM_MAX_SEGS, vma);
	vm_leave(vm);
	return err;
}

/* It has no requests of its own. */
static long seg_node_ioctl(struct file *file, unsigned int word, unsigned long user)
{
	int err = vm_enter(file->private_data);

	if (err)
		return err;
	vm_leave(file->private_data);
	return -ENOTTY;
}

static const struct file_operations seg_fops = {
	.owner = THIS_MODULE,
	.open = seg_node_open,
	.release = node_close,
	.llseek = noop_llseek,
	.mmap = seg_node_mmap,
	.unlocked_ioctl = seg_node_ioctl,
	.get_unmapped_area = thp_get_unmapped_area,
};

/* --- /dev/vmmctl ------------------------------------------------------ */

static int ctl_open(struct inode *inode, struct file *file)
{
	if (!(file->f_mode & FMODE_WRITE))
		return -EPERM;
	return ioctl_ctl_open(file);
}

static const struct file_operations ctl_fops = {
	.owner = THIS_MODULE,
	.open = ctl_open,
	.release = ioctl_ctl_close,
	.llseek = noop_llseek,
	.unlocked_ioctl = ioctl_ctl,
};

static struct miscdevice ctl_device = {
	.minor = MISC_DYNAMIC_MINOR,
	.name = "vmmctl",
	.fops = &ctl_fops,
	.mode = 0660,
};

bool chardev_name_valid(const char *name)
{
	const char *c;

	if (!*name || !strcmp(name, ".") || !strcmp(name, ".."))
		return false;
	for (c = name; *c; c++)
		/* '!' is how the device core spells a slash, a backslash is udev's escape. */
		if (iscntrl(*c) || *c == ' ' || strchr("/\"!\\", *c))
			return false;
	return true;
}

/* --- nodes ------------------------------------------------------------ */

/* Nodes belong to the VM's creator. On removal only the path is asked for. */
static char *node_devnode(COMPAT_DEVNODE_CONST struct device *dev, umode_t *mode,
			  kuid_t *uid, kgid_t *gid)
{
	kuid_t *owner = dev_get_drvdata(dev);

	if (mode)
		*mode = 0600;
	if (uid)
		*uid = *owner;
	return NULL;
}

static const struct device_type node_type = {
	.name = "vmm",
	.devnode = node_devnode,
};

static void node_release(struct device *dev)
{
	kfree(dev_get_drvdata(dev));
	kfree(dev);
}

/* '!' becomes '/' in the node's path. */
static struct device *node_create(dev_t devt, kuid_t owner, const char *fmt, const char *name,
				  const char *suffix)
{
	struct device *dev = kzalloc(sizeof(*dev), GFP_KERNEL);
	kuid_t *uid = kmemdup(&owner, sizeof(owner), GFP_KERNEL);
	int err = -ENOMEM;

	if (!dev || !uid) {
		kfree(dev);
		kfree(uid);
		return ERR_PTR(-ENOMEM);
	}
	device_initialize(dev);
	dev->class = vmm_class;
	dev->type = &node_type;
	dev->devt = devt;
	dev->release = node_release;
	dev_set_drvdata(dev, uid);
	err = dev_set_name(dev, fmt, name, suffix);
	if (!err)
		err = device_add(dev);
	if (err) {
		put_device(dev);
		return ERR_PTR(err);
	}
	return dev;
}

int chardev_add_vm(struct vm *vm)
{
	struct device *dev = node_create(vm_region + vm->minor, vm->owner, "vmm!%s%s",
					 vm->name, "");

	if (IS_ERR(dev))
		return PTR_ERR(dev);
	vm->node = dev;
	return 0;
}

/* "a.b" with segment "c" and "a" with segment "b.c" would be one node. */
static bool seg_node_exists(const char *name, const char *seg)
{
	char full[VM_MAX_NAMELEN + VM_MAX_SUFFIXLEN + 16];
	struct device *dev;

	snprintf(full, sizeof(full), "vmm.io!%s.%s", name, seg);
	dev = class_find_device_by_name(vmm_class, full);
	put_device(dev);
	return dev;
}

int chardev_add_seg(struct vm *vm, int segid)
{
	const char *seg = vm->mem.segs[segid].name;
	struct device *dev;
	int err = 0;

	vm_registry_lock();
	if (list_empty(&vm->link)) {
		err = -ENODEV;
	} else if (seg_node_exists(vm->name, seg)) {
		err = -EEXIST;
	} else {
		dev = node_create(seg_region + vm->minor * MEM_MAX_SEGS + segid, vm->owner,
				  "vmm.io!%s.%s", vm->name, seg);
		if (IS_ERR(dev))
			err = PTR_ERR(dev);
		else
			vm->seg_nodes[segid] = dev;
	}
	vm_registry_unlock();
	return err;
}

void chardev_remove_vm(struct vm *vm)
{
	int segid;

	/* The VM has left the registry: chardev_add_seg() adds nothing any more. */
	for (segid = 0; segid < MEM_MAX_SEGS; segid++)
		if (vm->seg_nodes[segid])
			device_unregister(vm->seg_nodes[segid]);
	device_unregister(vm->node);
}

/* --- module ----------------------------------------------------------- */

static int region_add(dev_t *region, struct cdev *cdev, const struct file_operations *fops,
		      unsigned int minors, const char *name)
{
	int err = alloc_chrdev_region(region, 0, minors, name);

	if (err)
		return err;
	cdev_init(cdev, fops);
	cdev->owner = THIS_MODULE;
	err = cdev_add(cdev, *region, minors);
	if (err)
		unregister_chrdev_region(*region, minors);
	return err;
}

static void region_remove(dev_t region, struct cdev *cdev, unsigned int minors)
{
	cdev_del(cdev);
	unregister_chrdev_region(region, minors);
}

int chardev_module_init(void)
{
	int err;

	vmm_class = compat_class_create("vmm");
	if (IS_ERR(vmm_class))
		return PTR_ERR(vmm_class);
	err = region_add(&vm_region, &vm_cdev, &vm_fops, VMM_MINORS, "vmm");
	if (err)
		goto err_class;
	err = region_add(&seg_region, &seg_cdev, &seg_fops, VMM_MINORS * MEM_MAX_SEGS, "vmm.io");
	if (err)
		goto err_vm;
	err = misc_register(&ctl_device);
	if (err)
		goto err_seg;
	return 0;

err_seg:
	region_remove(seg_region, &seg_cdev, VMM_MINORS * MEM_MAX_SEGS);
err_vm:
	region_remove(vm_region, &vm_cdev, VMM_MINORS);
err_class:
	class_destroy(vmm_class);
	return err;
}

void chardev_module_exit(void)
{
	misc_deregister(&ctl_device);
	region_remove(seg_region, &seg_cdev, VMM_MINORS * MEM_MAX_SEGS);
	region_remove(vm_region, &vm_cdev, VMM_MINORS);
	class_destroy(vmm_class);
}
