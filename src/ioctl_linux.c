// SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
/* The requests that Linux adds (uapi/vmm_linux.h): one row and one short function each. */
#include <linux/build_bug.h>
#include <linux/err.h>
#include <linux/mm.h>
#include <linux/nospec.h>
#include <linux/overflow.h>
#include <linux/slab.h>
#include <linux/stddef.h>
#include <linux/uaccess.h>
#include <vmm_linux.h>
#include "ioctl.h"
#include "pause.h"
#include "vm.h"

/* Longer ones than this are no struct of a version to come. */
#define ARG_USER_MAX	PAGE_SIZE

/* --- what the VM is ---------------------------------------------------- */

static u64 requests_mask(void);

/* What VML_SET_FEATURES takes here. */
static u64 features_here(void)
{
	return VML_FEATURE_WIDE_CPUID | (pvmsr_host_able() ? VML_FEATURE_PVCLOCK : 0);
}

static u64 features_on(struct vm *vm)
{
	return (vm->cpuid.wide ? VML_FEATURE_WIDE_CPUID : 0) |
	       (vm->cpuid.pvclock ? VML_FEATURE_PVCLOCK : 0);
}

static int op_info(struct vm *vm, struct vcpu *vcpu, void *arg)
{
	struct vml_info *info = arg;

	*info = (struct vml_info){
		.size = info->size,
		.flags = READ_ONCE(vm->paused) ? VML_INFO_PAUSED : 0,
		.requests = requests_mask(),
		.features = features_here(),
		.features_on = features_on(vm),
		.touched_bytes = mem_touched_bytes(&vm->mem),
		.time_ns = vclock_now_ns(&vm->clock),
		.tsc_khz = vm->cpuid.tsc_khz,
		.cpus_max = vm->maxcpus,
	};
	return 0;
}

static int op_pause(struct vm *vm, struct vcpu *vcpu, void *arg)
{
	return vm_pause(vm);
}

static int op_resume(struct vm *vm, struct vcpu *vcpu, void *arg)
{
	return vm_resume(vm);
}

/* --- what the guest sees ------------------------------------------------ */

static struct cpuid_result words_take(const __u32 words[4])
{
	return (struct cpuid_result){ words[0], words[1], words[2], words[3] };
}

static int rule_take(const struct vml_cpuid_rule *from, struct cpuid_rule *to)
{
	if ((from->flags & ~VML_CPUID_SUBLEAF) || from->reserved)
		return -EOPNOTSUPP;
	to->leaf = from->leaf;
	to->subleaf = from->subleaf;
	to->one_subleaf = from->flags & VML_CPUID_SUBLEAF;
	to->keep = words_take(from->keep);
	to->set = words_take(from->set);
	return 0;
}

static struct cpuid_rules *rules_convert(const struct vml_cpuid_rule *from, u32 count)
{
	struct cpuid_rules *rules = kvzalloc(struct_size(rules, rule, count), GFP_KERNEL_ACCOUNT);
	u32 i;
	int err;

	if (!rules)
		return ERR_PTR(-ENOMEM);
	rules->count = count;
	for (i = 0; i < count; i++) {
		err = rule_take(&from[i], &rules->rule[i]);
		if (err) {
			kvfree(rules);
			return ERR_PTR(err);
		}
	}
	return rules;
}

/* NULL: none. ERR_PTR. */
static struct cpuid_rules *rules_take(const struct vml_cpuid_policy *policy)
{
	struct vml_cpuid_rule *from;
	struct cpuid_rules *rules;

	if (policy->reserved)
		return ERR_PTR(-EOPNOTSUPP);
	if (policy->count > VML_CPUID_RULES_MAX)
		return ERR_PTR(-E2BIG);
	if (!policy->count)
		return NULL;
	from = vmemdup_user(u64_to_user_ptr(policy->rules), policy->count * sizeof(*from));
	if (IS_ERR(from))
		return ERR_CAST(from);
	rules = rules_convert(from, policy->count);
	kvfree(from);
	return rules;
}

/* All vCPUs are frozen. @arg: where the rules are, and those that they replace are put. */
static int rules_exchange(struct vm *vm, struct vcpu *vcpu, void *arg)
{
	const struct cpuid_rules **rules = arg;

	if (vm->has_run)
		return -EBUSY;
	swap(vm->cpuid.rules, *rules);
	return 0;
}

static int op_set_cpuid(struct vm *vm, struct vcpu *vcpu, void *arg)
{
	const struct cpuid_rules *rules = rules_take(arg);
	int err;

	if (IS_ERR(rules))
		return PTR_ERR(rules);
	err = ioctl_locked(vm, CLASS_ALL_VCPUS, 0, rules_exchange, &rules);
	kvfree(rules);
	return err;
}

static int op_get_cpuid(struct vm *vm, struct vcpu *vcpu, void *arg)
{
	struct vml_cpuid *cpuid = arg;
	struct cpuid_result regs;
	u64 unruled = 0;

	cpuid_emulate(&vmm_cpuid_host, &vm->cpuid, &vcpu->cpuid, cpuid->leaf, cpuid->subleaf, &regs,
		      &unruled);
	cpuid->eax = regs.eax;
	cpuid->ebx = regs.ebx;
	cpuid->ecx = regs.ecx;
	cpuid->edx = regs.edx;
	return 0;
}

static int op_set_features(struct vm *vm, struct vcpu *vcpu, void *arg)
{
	const struct vml_features *features = arg;

	if (features->features & ~features_here())
		return -EOPNOTSUPP;
	if (vm->has_run)
		return -EBUSY;
	vm_set_wide_cpuid(vm, features->features & VML_FEATURE_WIDE_CPUID);
	vm->cpuid.pvclock = features->features & VML_FEATURE_PVCLOCK;
	return 0;
}

/* --- eventfds ------------------------------------------------------------ */

static int op_irqfd(struct vm *vm, struct vcpu *vcpu, void *arg)
{
	return irqfd_request(&vm->eventfds, arg);
}

static int op_ioeventfd(struct vm *vm, struct vcpu *vcpu, void *arg)
{
	return ioeventfd_request(&vm->eventfds, arg);
}

/* --- the dirty log ------------------------------------------------------- */

#define DIRTY_LEN_MAX	BIT_ULL(40)

/* What a harvest needs, and what it finds. */
struct dirty_request {
	struct vml_dirty_log *log;
	unsigned long *bitmap;
};

static int dirty_check(const struct vml_dirty_log *log)
{
	u64 end;

	if (!PAGE_ALIGNED(log->gpa | log->len) || !log->len || log->len > DIRTY_LEN_MAX ||
	    check_add_overflow(log->gpa, log->len, &end))
		return -EINVAL;
	return 0;
}

/* All vCPUs are frozen. */
static int dirty_harvest(struct vm *vm, struct vcpu *vcpu, void *arg)
{
	const struct dirty_request *request = arg;
	struct vml_dirty_log *log = request->log;

	log->dirty_pages = mem_dirty_harvest(&vm->mem, log->gpa, log->len,
					     log->flags & VML_DIRTY_CLEAR, request->bitmap);
	return 0;
}

/* The vCPUs run while the program's memory is written, and nobody is held up by it. */
static int dirty_answer(struct vm *vm, const struct dirty_request *request)
{
	const struct vml_dirty_log *log = request->log;
	u64 bytes = DIV_ROUND_UP_ULL(log->len >> PAGE_SHIFT, 8);

	if (!copy_to_user(u64_to_user_ptr(log->bitmap), request->bitmap, bytes))
		return 0;
	if (log->flags & VML_DIRTY_CLEAR) {
		down_read(&vm->mem.lock);
		mem_dirty_restore(&vm->mem, log->gpa, log->len, request->bitmap);
		up_read(&vm->mem.lock);
	}
	return -EFAULT;
}

static int op_dirty_log(struct vm *vm, struct vcpu *vcpu, void *arg)
{
	struct dirty_request request = { .log = arg };
	int err = dirty_check(request.log);

	if (err)
		return err;
	request.bitmap = kvcalloc(BITS_TO_LONGS(request.log->len >> PAGE_SHIFT), sizeof(long),
				  GFP_KERNEL_ACCOUNT);
	if (!request.bitmap)
		return -ENOMEM;
	err = ioctl_locked(vm, CLASS_ALL_VCPUS, 0, dirty_harvest, &request);
	if (!err)
		err = dirty_answer(vm, &request);
	kvfree(request.bitmap);
	return err;
}

/* --- the table --------------------------------------------------------- */

#define NO_FLAGS_FIELD	(~0U)
#define IRQFD_FLAGS	(VML_IRQFD_DEASSIGN | VML_IRQFD_MSI | VML_IRQFD_RESAMPLE)
#define IOEVENTFD_FLAGS	(VML_IOEVENTFD_DEASSIGN | VML_IOEVENTFD_PIO | VML_IOEVENTFD_DATAMATCH)

struct linux_row {
	enum ioctl_class class;	/* A, E, F: the vCPU's id stands behind the size */
	u16 size;		/* of the struct that we know */
	u16 first;		/* bytes that a program has to give at least */
	u32 flags;		/* known bits of the word behind the size, or NO_FLAGS_FIELD */
	bool out;		/* is copied to the program as well */
	ioctl_fn fn;		/* NULL: no such request */
};

#define ROW(name, class_, type, last, flags_, out_, fn_)			\
	[_IOC_NR(name)] = {							\
		.class = class_,						\
		.size = sizeof(struct type),					\
		.first = offsetofend(struct type, last),			\
		.flags = flags_,						\
		.out = out_,							\
		.fn = fn_,							\
	}

static const struct linux_row rows[] = {
	ROW(VML_INFO, CLASS_NONE, vml_info, cpus_max, 0, true, op_info),
	ROW(VML_PAUSE, CLASS_NONE, vml_pause, flags, 0, false, op_pause),
	ROW(VML_RESUME, CLASS_NONE, vml_pause, flags, 0, false, op_resume),
	ROW(VML_SET_CPUID, CLASS_NONE, vml_cpuid_policy, reserved, 0, false, op_set_cpuid),
	ROW(VML_GET_CPUID, CLASS_VCPU, vml_cpuid, edx, NO_FLAGS_FIELD, true, op_get_cpuid),
	ROW(VML_SET_FEATURES, CLASS_ALL_VCPUS, vml_features, features, 0, false, op_set_features),
	ROW(VML_IRQFD, CLASS_NONE, vml_irqfd, reserved, IRQFD_FLAGS, false, op_irqfd),
	ROW(VML_IOEVENTFD, CLASS_NONE, vml_ioeventfd, datamatch, IOEVENTFD_FLAGS, false,
	    op_ioeventfd),
	ROW(VML_DIRTY_LOG, CLASS_NONE, vml_dirty_log, dirty_pages, VML_DIRTY_CLEAR, true,
	    op_dirty_log),
	ROW(VML_RUN, CLASS_VCPU, vml_run, cpusetsize, NO_FLAGS_FIELD, false, op_run_linux),
	ROW(VML_PPT_BIND, CLASS_MEM_WRITE, vml_ppt, func, 0, false, op_ppt_bind),
	ROW(VML_PPT_UNBIND, CLASS_MEM_WRITE, vml_ppt, func, 0, false, op_ppt_unbind),
	ROW(VML_PPT_INFO, CLASS_NONE, vml_ppt_info, regions, 0, true, op_ppt_info),
	ROW(VML_PPT_MAP, CLASS_ALL_VCPUS, vml_ppt_mmio, len, 0, false, op_ppt_map),
	ROW(VML_PPT_UNMAP, CLASS_ALL_VCPUS, vml_ppt_mmio, len, 0, false, op_ppt_unmap),
	ROW(VML_PPT_IRQ, CLASS_NONE, vml_ppt_irq, data, VML_PPT_IRQ_MASKED, false, op_ppt_irq),
	ROW(VML_PPT_ACCESS, CLASS_NONE, vml_ppt_access, value, VML_PPT_ACCESS_WRITE, true,
	    op_ppt_access),
	ROW(VML_PPT_RESET, CLASS_NONE, vml_ppt, func, 0, false, op_ppt_reset),
	ROW(VML_PPT_EVENT, CLASS_NONE, vml_ppt_event, reserved, 0, false, op_ppt_event),
};

/* The argument as the kernel has it, and as large as the largest. */
union linux_arg {
	struct {
		u32 size;
		u32 flags;	/* or the vCPU's id */
	};
	struct vml_info info;
	struct vml_pause pause;
	struct vml_cpuid_policy cpuid_policy;
	struct vml_cpuid cpuid;
	struct vml_features features;
	struct vml_irqfd irqfd;
	struct vml_ioeventfd ioeventfd;
	struct vml_dirty_log dirty_log;
	struct vml_run run;
	struct vml_ppt ppt;
	struct vml_ppt_info ppt_info;
	struct vml_ppt_mmio ppt_mmio;
	struct vml_ppt_irq ppt_irq;
	struct vml_ppt_access ppt_access;
	struct vml_ppt_event ppt_event;
};

static u64 requests_mask(void)
{
	u64 mask = 0;
	int nr;

	static_assert(ARRAY_SIZE(rows) <= 64);
	for (nr = 0; nr < ARRAY_SIZE(rows); nr++)
		if (rows[nr].fn)
			mask |= BIT_ULL(nr);
	return mask;
}

static const struct linux_row *row_find(unsigned int word)
{
	unsigned int nr = _IOC_NR(word);

	if (word != _IO(VMM_LINUX_GROUP, nr) || nr >= ARRAY_SIZE(rows))
		return NULL;
	nr = array_index_nospec(nr, ARRAY_SIZE(rows));
	return rows[nr].fn ? &rows[nr] : NULL;
}

/*
 * What the kernel will write is written back as it is first, so that a request whose answer has
 * nowhere to go changes nothing.
 */
static int arg_take(const struct linux_row *row, union linux_arg *arg, void __user *user, u32 *size)
{
	int err;

	if (get_user(*size, (u32 __user *)user))
		return -EFAULT;
	if (*size < row->first)
		return -EINVAL;
	if (*size > ARG_USER_MAX)
		return -E2BIG;
	err = copy_struct_from_user(arg, row->size, user, *size);
	if (err)
		return err;
	arg->size = *size;	/* whatever another thread has put there meanwhile */
	if (row->flags != NO_FLAGS_FIELD && (arg->flags & ~row->flags))
		return -EOPNOTSUPP;
	if (row->out && copy_to_user(user, arg, min_t(u32, *size, row->size)))
		return -EFAULT;
	return 0;
}

long ioctl_linux(struct vm *vm, unsigned int word, void __user *user)
{
	const struct linux_row *row = row_find(word);
	union linux_arg arg COMPAT_UNINITIALIZED;
	u32 size;
	int err;

	if (!row)
		return -ENOTTY;
	err = arg_take(row, &arg, user, &size);
	if (err)
		return err;
	err = ioctl_locked(vm, row->class, arg.flags, row->fn, &arg);
	if (!err && row->out && copy_to_user(user, &arg, min_t(u32, size, row->size)))
		err = -EFAULT;
	return err;
}
