// SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
/*
 * debugfs: a file's text is made when the file is opened. debugfs holds removal up while an
 * open is under way, and removal comes before destruction: so open() finds its VM and vCPU
 * alive, and read() needs neither. Nothing here waits for a caller's memory.
 */
#include <linux/debugfs.h>
#include <linux/fs.h>
#include <linux/mm.h>
#include <linux/module.h>
#include <linux/mutex.h>
#include <linux/seq_buf.h>
#include <linux/slab.h>
#include "debugfs.h"
#include "dev/vlapic.h"
#include "stats.h"
#include "vcpu.h"
#include "vm.h"

#define TEXT_BYTES	(16 << 10)

struct text {
	size_t len;
	char bytes[TEXT_BYTES];
};

static struct dentry *debugfs_root;	/* constant after load; NULL: no debugfs */
static DEFINE_MUTEX(debugfs_mutex);	/* vm->debugfs, and what is in that folder */

static int text_open(struct file *file, void (*print)(struct seq_buf *out, void *object),
		     void *object)
{
	struct text *text = kvzalloc(sizeof(*text), GFP_KERNEL_ACCOUNT);
	struct seq_buf out;

	if (!text)
		return -ENOMEM;
	seq_buf_init(&out, text->bytes, sizeof(text->bytes));
	print(&out, object);
	text->len = seq_buf_used(&out);
	file->private_data = text;
	return 0;
}

static ssize_t text_read(struct file *file, char __user *buf, size_t len, loff_t *pos)
{
	struct text *text = file->private_data;

	return simple_read_from_buffer(buf, len, pos, text->bytes, text->len);
}

static int text_release(struct inode *inode, struct file *file)
{
	kvfree(file->private_data);
	return 0;
}

#define TEXT_FILE(name)								\
static int name##_open(struct inode *inode, struct file *file)			\
{										\
	return text_open(file, name##_print, inode->i_private);			\
}										\
										\
static const struct file_operations name##_fops = {				\
	.owner = THIS_MODULE,							\
	.open = name##_open,							\
	.read = text_read,							\
	.llseek = default_llseek,						\
	.release = text_release,						\
}

/* --- NAME/state and NAME/memory --------------------------------------- */

static void vm_state_print(struct seq_buf *out, void *object)
{
	static const char * const reasons[] = {
		[VM_SUSPEND_NONE] = "no", [VM_SUSPEND_RESET] = "reset",
		[VM_SUSPEND_POWEROFF] = "poweroff", [VM_SUSPEND_HALT] = "halt",
		[VM_SUSPEND_TRIPLEFAULT] = "triplefault", [VM_SUSPEND_DESTROY_15] = "destroy",
	};
	struct vm *vm = object;

	seq_buf_printf(out, "backend\t\t%s\n", vm->backend->name);
	seq_buf_printf(out, "owner\t\t%u\n", from_kuid_munged(&init_user_ns, vm->owner));
	seq_buf_printf(out, "dead\t\t%s\n", READ_ONCE(vm->dead) ? "yes" : "no");
	seq_buf_printf(out, "suspend\t\t%s\n", reasons[READ_ONCE(vm->suspend)]);
	seq_buf_printf(out, "vcpus_max\t%u\n", vm->maxcpus);
	seq_buf_printf(out, "topology\t%u sockets, %u cores, %u threads\n",
		       READ_ONCE(vm->cpuid.sockets), READ_ONCE(vm->cpuid.cores),
		       READ_ONCE(vm->cpuid.threads));
	seq_buf_printf(out, "active\t\t%*pbl\n", VM_MAXCPU, vm->irq.active);
	seq_buf_printf(out, "suspended\t%*pbl\n", VM_MAXCPU, vm->suspended);
	seq_buf_printf(out, "halted\t\t%*pbl\n", VM_MAXCPU, vm->halted);
	seq_buf_printf(out, "debug\t\t%*pbl\n", VM_MAXCPU, vm->debug);
}

TEXT_FILE(vm_state);

static void segments_print(struct seq_buf *out, const struct vm_mem *mem)
{
	const struct memseg *seg;
	int id;

	for (id = 0; id < MEM_MAX_SEGS; id++) {
		seg = &mem->segs[id];
		if (seg->file)
			seq_buf_printf(out, "segment %d: %#llx bytes %s\n", id, seg->len,
				       *seg->name ? seg->name : "sysmem");
	}
}

static void mappings_print(struct seq_buf *out, const struct vm_mem *mem)
{
	const struct memmap *map;
	int i;

	for (i = 0; i < MEM_MAX_MAPS; i++) {
		map = &mem->maps[i];
		if (map->len)
			seq_buf_printf(out, "%#014llx-%#014llx %c%c%c segment %d at %#llx%s%s\n",
				       map->gpa, map->gpa + map->len - 1,
				       map->prot & VM_PROT_READ ? 'r' : '-',
				       map->prot & VM_PROT_WRITE ? 'w' : '-',
				       map->prot & VM_PROT_EXECUTE ? 'x' : '-',
				       map->segid, map->segoff,
				       map->flags & VM_MEMMAP_F_WIRED ? " wired" : "",
				       map->flags & VM_MEMMAP_F_IOMMU ? " iommu" : "");
	}
}

static void vm_memory_print(struct seq_buf *out, void *object)
{
	struct vm_mem *mem = &((struct vm *)object)->mem;

	spin_lock(&mem->map_lock);
	segments_print(out, mem);
	mappings_print(out, mem);
	spin_unlock(&mem->map_lock);
	seq_buf_printf(out, "resident %llu bytes, wired %llu bytes\n", mem_resident_bytes(mem),
		       mem_wired_bytes(mem));
}

TEXT_FILE(vm_memory);

/* --- NAME/vcpuN/state and NAME/vcpuN/stats ----------------------------- */

static pid_t vcpu_thread(struct vcpu *vcpu)
{
	unsigned long flags;
	pid_t pid;

	raw_spin_lock_irqsave(&vcpu->lock, flags);
	pid = vcpu->task ? task_pid_nr(vcpu->task) : 0;
	raw_spin_unlock_irqrestore(&vcpu->lock, flags);
	return pid;
}

static void requests_print(struct seq_buf *out, unsigned long requests)
{
	static const char * const names[] = {
		[VCPU_REQ_IDLE] = "idle", [VCPU_REQ_SUSPEND] = "suspend",
		[VCPU_REQ_DEBUG] = "debug", [VCPU_REQ_INIT] = "init", [VCPU_REQ_DYING] = "dying",
	};
	unsigned int i;

	seq_buf_printf(out, "requests\t");
	for (i = 0; i < ARRAY_SIZE(names); i++)
		if (test_bit(i, &requests))
			seq_buf_printf(out, "%s ", names[i]);
	seq_buf_printf(out, requests ? "\n" : "none\n");
}

/* The owner may be at work on all of this: each value is whole, together they are a blur. */
static void vcpu_state_print(struct seq_buf *out, void *object)
{
	static const char * const states[] = {
		[VCPU_IDLE] = "idle", [VCPU_FROZEN] = "frozen", [VCPU_RUNNING] = "running",
		[VCPU_SLEEPING] = "sleeping",
	};
	struct vcpu *vcpu = object;

	seq_buf_printf(out, "state\t\t%s\n", states[READ_ONCE(vcpu->state)]);
	seq_buf_printf(out, "thread\t\t%d\n", vcpu_thread(vcpu));
	seq_buf_printf(out, "host_cpu\t%d\n", READ_ONCE(vcpu->last_cpu));
	requests_print(out, READ_ONCE(vcpu->requests));
	seq_buf_printf(out, "last_exit\t%d\n", READ_ONCE(vcpu->exit.exitcode));
	seq_buf_printf(out, "rip\t\t%#llx\n", READ_ONCE(vcpu->exit_rip));
	seq_buf_printf(out, "next_rip\t%#llx\n", READ_ONCE(vcpu->nextrip));
	seq_buf_printf(out, "tsc_offset\t%lld\n", (s64)READ_ONCE(vcpu->tsc_offset));
	seq_buf_printf(out, "nmi_pending\t%d\n", test_bit(EVENT_NMI, &vcpu->events.flags));
	seq_buf_printf(out, "extint_pending\t%d\n", test_bit(EVENT_EXTINT, &vcpu->events.flags));
	seq_buf_printf(out, "apic_base\t%#llx\n", vlapic_apicbase(vcpu->vlapic));
}

TEXT_FILE(vcpu_state);

static void vcpu_stats_print(struct seq_buf *out, void *object)
{
	struct vcpu *vcpu = object;
	char name[128];
	int i;

	stats_refresh(vcpu);
	for (i = 0; i < VCPU_STAT_COUNT; i++) {
		stat_describe(i, name, sizeof(name));
		seq_buf_printf(out, "%s\t%llu\n", name, READ_ONCE(vcpu->stats[i]));
	}
}

TEXT_FILE(vcpu_stats);

/* --- folders ---------------------------------------------------------- */

void debugfs_add_vm(struct vm *vm)
{
	struct dentry *dir;

	if (!debugfs_root)
		return;
	mutex_lock(&debugfs_mutex);
	dir = debugfs_create_dir(vm->name, debugfs_root);
	debugfs_create_file_unsafe("state", 0400, dir, vm, &vm_state_fops);
	debugfs_create_file_unsafe("memory", 0400, dir, vm, &vm_memory_fops);
	vm->debugfs = dir;
	mutex_unlock(&debugfs_mutex);
}

void debugfs_remove_vm(struct vm *vm)
{
	mutex_lock(&debugfs_mutex);
	debugfs_remove(vm->debugfs);
	vm->debugfs = NULL;
	mutex_unlock(&debugfs_mutex);
}

void debugfs_add_vcpu(struct vcpu *vcpu)
{
	struct dentry *dir;
	char name[16];

	snprintf(name, sizeof(name), "vcpu%u", vcpu->id);
	mutex_lock(&debugfs_mutex);
	if (vcpu->vm->debugfs) {
		dir = debugfs_create_dir(name, vcpu->vm->debugfs);
		debugfs_create_file_unsafe("state", 0400, dir, vcpu, &vcpu_state_fops);
		debugfs_create_file_unsafe("stats", 0400, dir, vcpu, &vcpu_stats_fops);
	}
	mutex_unlock(&debugfs_mutex);
}

void debugfs_module_init(void)
{
	struct dentry *dir = debugfs_create_dir("vmm", NULL);

	if (!IS_ERR(dir))
		debugfs_root = dir;
}

void debugfs_module_exit(void)
{
	debugfs_remove(debugfs_root);
}
