// SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
/*
 * device: registers of passed-through devices in the guest's address space. They are entered into
 * the nested table at once, for they cost no memory, and no mapping of memory may overlap them.
 */
#include <linux/smp.h>
#include <linux/spinlock.h>

#include "gpt.h"
#include "mem_priv.h"

static void device_unlink(struct vm_mem *mem, struct mem_device *dev)
{
	spin_lock(&mem->map_lock);
	list_del_init(&dev->link);
	spin_unlock(&mem->map_lock);
}

int mem_device_map(struct vm_mem *mem, struct mem_device *dev, u64 gpa, u64 hpa, u64 len)
{
	int ret;

	if (!memmap_range_is_free(mem, gpa, len))
		return -EINVAL;
	/*
	 * -EEXIST cannot be: what is free has no leaves. A 2 MiB leaf of memory never reaches
	 * beyond its mapping.
	 */
	ret = gpt_map_device(mem->gpt, gpa, hpa, len);
	if (ret)
		return ret;
	dev->gpa = gpa;
	dev->len = len;
	spin_lock(&mem->map_lock);
	list_add(&dev->link, &mem->devices);
	spin_unlock(&mem->map_lock);
	return 0;
}

void mem_device_unmap(struct vm_mem *mem, struct mem_device *dev)
{
	gpt_unmap(mem->gpt, dev->gpa, dev->len);
	device_unlink(mem, dev);
}

static void cpu_noop(void *unused)
{
}

void mem_device_zap(struct vm_mem *mem, struct mem_device *dev)
{
	gpt_zap_device(mem->gpt, dev->gpa, dev->len);
	/*
	 * An interrupt makes a processor leave the guest, also one that is about to enter it with
	 * the generation it has just read; before the next entry it sees the new one.
	 */
	on_each_cpu(cpu_noop, NULL, 1);
	device_unlink(mem, dev);
}
