// SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
/* The requests of /dev/vmm/NAME: one row and one short function each. */
#include <linux/capability.h>
#include <linux/err.h>
#include <linux/nospec.h>
#include <linux/slab.h>
#include <linux/timekeeping.h>
#include <linux/uaccess.h>
#include <vmm_linux.h>
#include "chardev.h"
#include "dev/vatpic.h"
#include "dev/vhpet.h"
#include "dev/vioapic.h"
#include "dev/vlapic.h"
#include "dev/vrtc.h"
#include "gla.h"
#include "ioctl.h"
#include "mem/gpt.h"
#include "run.h"
#include "snapshot.h"
#include "timebase.h"
#include "vm.h"

/* --- running (sections 7, 10, 11) ------------------------------------- */

static int copy_ipi_targets(struct vcpu *vcpu, const struct vm_run *run)
{
	const unsigned long *targets = vlapic_ipi(vcpu->vlapic)->targets;
	size_t size = min(run->cpusetsize, sizeof(cpuset_t));

	if (copy_to_user(run->cpuset, targets, size))
		return -EFAULT;
	if (clear_user((void __user *)run->cpuset + size, run->cpusetsize - size))
		return -EFAULT;
	return 0;
}

static int op_run(struct vm *vm, struct vcpu *vcpu, void *arg)
{
	const struct vm_run *run = arg;
	int err = vcpu_run(vcpu);

	if (err)
		return err;
	if (vcpu->exit.exitcode == VM_EXITCODE_IPI) {
		err = copy_ipi_targets(vcpu, run);
		if (err)
			return err;
	}
	return copy_to_user(run->vm_exit, &vcpu->exit, sizeof(vcpu->exit)) ? -EFAULT : 0;
}

static int op_run_13(struct vm *vm, struct vcpu *vcpu, void *arg)
{
	struct vm_run_13 *run = arg;
	struct vm_exit_ipi_13 *ipi = (void *)run->vm_exit.u;
	int err = vcpu_run(vcpu);

	if (err)
		return err;
	memcpy(&run->vm_exit, &vcpu->exit, sizeof(run->vm_exit));
	if (vcpu->exit.exitcode == VM_EXITCODE_IPI)
		memcpy(ipi->dmask, vlapic_ipi(vcpu->vlapic)->targets, sizeof(ipi->dmask));
	return 0;
}

static int op_suspend(struct vm *vm, struct vcpu *vcpu, void *arg)
{
	const struct vm_suspend *suspend = arg;

	return vm_suspend(vm, suspend->how);
}

static int op_reinit(struct vm *vm, struct vcpu *vcpu, void *arg)
{
	return vm_reinit(vm);
}

static int op_activate_cpu(struct vm *vm, struct vcpu *vcpu, void *arg)
{
	return vm_activate_vcpu(vcpu);
}

static int op_suspend_cpu(struct vm *vm, struct vcpu *vcpu, void *arg)
{
	return vm_debug_vcpus(vm, vcpu ? vcpu->id : -1, true);
}

static int op_resume_cpu(struct vm *vm, struct vcpu *vcpu, void *arg)
{
	return vm_debug_vcpus(vm, vcpu ? vcpu->id : -1, false);
}

static int op_get_cpus(struct vm *vm, struct vcpu *vcpu, void *arg)
{
	const struct vm_cpuset *set = arg;
	const unsigned long *bits;

	if (set->cpusetsize != sizeof(cpuset_t))
		return -ERANGE;
	switch (set->which) {
	case VM_ACTIVE_CPUS:
		bits = vm->irq.active;
		break;
	case VM_SUSPENDED_CPUS:
		bits = vm->suspended;
		break;
	case VM_DEBUG_CPUS:
		bits = vm->debug;
		break;
	default:
		return -EINVAL;
	}
	return copy_to_user(set->cpus, bits, sizeof(cpuset_t)) ? -EFAULT : 0;
}

/* --- memory (section 5) ----------------------------------------------- */

#define DOMAINSET_BYTES_MAX	32	/* FreeBSD's largest set of memory domains */

static int memseg_make(struct vm *vm, int segid, u64 len, const char *name, size_t size)
{
	int err;

	if (strnlen(name, size) >= min_t(size_t, size, VM_MAX_SUFFIXLEN + 1))
		return -ENAMETOOLONG;
	if (*name && !chardev_name_valid(name))
		return -EINVAL;
	err = memseg_alloc(&vm->mem, segid, len, name);
	if (err || !*name)
		return err;
	err = chardev_add_seg(vm, segid);
	if (err)
		memseg_free(&vm->mem, segid);
	return err;
}

static int op_alloc_memseg(struct vm *vm, struct vcpu *vcpu, void *arg)
{
	const struct vm_memseg *seg = arg;

	if (seg->segid < 0 || seg->segid >= VM_MAX_MEMSEGS)
		return -EINVAL;
	return memseg_make(vm, seg->segid, seg->len, seg->name, sizeof(seg->name));
}

static int op_alloc_memseg_fbsd12(struct vm *vm, struct vcpu *vcpu, void *arg)
{
	const struct vm_memseg_fbsd12 *seg = arg;

	if (seg->segid < 0 || seg->segid >= VM_MAX_MEMSEGS)
		return -EINVAL;
	return memseg_make(vm, seg->segid, seg->len, seg->name, sizeof(seg->name));
}

/*
 * Section 5.1: looked at if there are both a policy and a mask. Host placement is mbind()'s
 * business on Linux; a request for it must not pass silently.
 */
static int memseg_check_placement(const struct vm_memseg_15 *seg)
{
	unsigned long mask[DOMAINSET_BYTES_MAX / sizeof(long)];

	if (!seg->ds_policy || !seg->ds_mask)
		return 0;
	if (seg->ds_mask_size < sizeof(domainset_t) || seg->ds_mask_size > sizeof(mask))
		return -ERANGE;
	if (copy_from_user(mask, seg->ds_mask, seg->ds_mask_size))
		return -EFAULT;
	return -EINVAL;
}

static int memseg_make_15(struct vm *vm, struct vcpu *vcpu, void *arg)
{
	const struct vm_memseg_15 *seg = arg;
	int err;

	if (seg->segid < 0 || seg->segid >= VM_MAX_MEMSEGS_15)
		return -EINVAL;
	err = memseg_make(vm, seg->segid, seg->len, seg->name, sizeof(seg->name));
	if (!err)
		vm->mem.max_maps = VM_MAX_MEMMAPS_15;
	return err;
}

/* Class B, but locked behind the look at the caller's mask. */
static int op_alloc_memseg_15(struct vm *vm, struct vcpu *vcpu, void *arg)
{
	int err = memseg_check_placement(arg);

	return err ?: ioctl_memory_locked(vm, memseg_make_15, arg);
}

static int memseg_show(struct vm *vm, int segid, size_t *len, char *name)
{
	char kept[VM_MAX_SUFFIXLEN + 1];
	u64 bytes = 0;
	int err;

	memcpy(kept, name, sizeof(kept));
	err = memseg_get(&vm->mem, segid, &bytes, name);
	if (err)
		return err;
	*len = bytes;
	if (!bytes)		/* unallocated: the name stays as it came in */
		memcpy(name, kept, sizeof(kept));
	return 0;
}

static int op_get_memseg(struct vm *vm, struct vcpu *vcpu, void *arg)
{
	struct vm_memseg *seg = arg;

	if (seg->segid < 0 || seg->segid >= VM_MAX_MEMSEGS)
		return -EINVAL;
	return memseg_show(vm, seg->segid, &seg->len, seg->name);
}

static int op_get_memseg_fbsd12(struct vm *vm, struct vcpu *vcpu, void *arg)
{
	struct vm_memseg_fbsd12 *seg = arg;

	if (seg->segid < 0 || seg->segid >= VM_MAX_MEMSEGS)
		return -EINVAL;
	return memseg_show(vm, seg->segid, &seg->len, seg->name);
}

static int op_get_memseg_15(struct vm *vm, struct vcpu *vcpu, void *arg)
{
	struct vm_memseg_15 *seg = arg;

	if (seg->segid < 0 || seg->segid >= VM_MAX_MEMSEGS_15)
		return -EINVAL;
	return memseg_show(vm, seg->segid, &seg->len, seg->name);
}

static int op_mmap_memseg(struct vm *vm, struct vcpu *vcpu, void *arg)
{
	const struct vm_memmap *mm = arg;

	return memmap_map(&vm->mem, mm->gpa, mm->segid, mm->segoff, mm->len, mm->prot, mm->flags);
}

static int op_munmap_memseg(struct vm *vm, struct vcpu *vcpu, void *arg)
{
	const struct vm_munmap *mu = arg;

	return memmap_unmap(&vm->mem, mu->gpa, mu->len);
}

static int op_mmap_getnext(struct vm *vm, struct vcpu *vcpu, void *arg)
{
	return memmap_next(&vm->mem, arg);
}

static int op_get_gpa_pmap(struct vm *vm, struct vcpu *vcpu, void *arg)
{
	struct vm_gpa_pte *pmap = arg;
	int i;

	memset(pmap->pte, 0, sizeof(pmap->pte));
	pmap->ptenum = gpt_walk_entries(vm->mem.gpt, pmap->gpa, pmap->pte);
	/* Host addresses are for the host's administrator alone (catalogue M-09). */
	if (!capable(CAP_SYS_ADMIN))
		for (i = 0; i < ARRAY_SIZE(pmap->pte); i++)
			pmap->pte[i] &= ~GENMASK_ULL(51, 12);
	return 0;
}

/* --- registers (section 6) -------------------------------------------- */

static int reg_get(struct vcpu *vcpu, int reg, u64 *val)
{
	if (reg >= VM_REG_LAST)
		return -EINVAL;
	return vcpu_reg_get(vcpu, reg, val);
}

static int reg_set(struct vcpu *vcpu, int reg, u64 val)
{
	if (reg < 0 || reg >= VM_REG_LAST)
		return -EINVAL;
	return vcpu_reg_set(vcpu, reg, val);
}

static int op_get_register(struct vm *vm, struct vcpu *vcpu, void *arg)
{
	struct vm_register *reg = arg;

	return reg_get(vcpu, reg->regnum, &reg->regval);
}

static int op_set_register(struct vm *vm, struct vcpu *vcpu, void *arg)
{
	const struct vm_register *reg = arg;

	return reg_set(vcpu, reg->regnum, reg->regval);
}

int op_run_linux(struct vm *vm, struct vcpu *vcpu, void *arg)
{
	const struct vml_run *linux_run = arg;
	struct vm_run run = {
		.cpuset = u64_to_user_ptr(linux_run->cpuset),
		.cpusetsize = linux_run->cpusetsize,
		.vm_exit = u64_to_user_ptr(linux_run->vm_exit),
	};
	int err;

	if (linux_run->flags & ~VML_RUN_SET_REGISTER)
		return -EOPNOTSUPP;
	if (linux_run->flags & VML_RUN_SET_REGISTER) {
		err = reg_set(vcpu, linux_run->regnum, linux_run->regval);
		if (err)
			return err;
	}
	return op_run(vm, vcpu, &run);
}

static int op_get_register_set(struct vm *vm, struct vcpu *vcpu, void *arg)
{
	const struct vm_register_set *set = arg;
	int regnums[VM_REG_LAST], err = 0;
	u64 regvals[VM_REG_LAST];
	unsigned int i;

	if (set->count > VM_REG_LAST)
		return -EINVAL;
	if (copy_from_user(regnums, set->regnums, set->count * sizeof(*regnums)))
		return -EFAULT;
	for (i = 0; i < set->count && !err; i++)
		err = reg_get(vcpu, regnums[i], &regvals[i]);
	if (!err && copy_to_user(set->regvals, regvals, set->count * sizeof(*regvals)))
		err = -EFAULT;
	return err;
}

static int op_set_register_set(struct vm *vm, struct vcpu *vcpu, void *arg)
{
	const struct vm_register_set *set = arg;
	int regnums[VM_REG_LAST], err = 0;
	u64 regvals[VM_REG_LAST];
	unsigned int i;

	if (set->count > VM_REG_LAST)
		return -EINVAL;
	if (copy_from_user(regnums, set->regnums, set->count * sizeof(*regnums)) ||
	    copy_from_user(regvals, set->regvals, set->count * sizeof(*regvals)))
		return -EFAULT;
	for (i = 0; i < set->count && !err; i++)
		err = reg_set(vcpu, regnums[i], regvals[i]);
	return err;
}

static int op_get_seg_desc(struct vm *vm, struct vcpu *vcpu, void *arg)
{
	struct vm_seg_desc *seg = arg;

	return vm->backend->desc_get(vcpu, seg->regnum, &seg->desc);
}

static int op_set_seg_desc(struct vm *vm, struct vcpu *vcpu, void *arg)
{
	const struct vm_seg_desc *seg = arg;

	return vm->backend->desc_set(vcpu, seg->regnum, &seg->desc);
}

/* --- capabilities (section 13) ---------------------------------------- */

static int op_get_capability(struct vm *vm, struct vcpu *vcpu, void *arg)
{
	struct vm_capability *cap = arg;

	if ((int)cap->captype < 0 || cap->captype >= VM_CAP_MAX)
		return -EINVAL;
	switch (cap->captype) {
	case VM_CAP_HALT_EXIT:
		cap->capval = vcpu->halt_exit;
		return 0;
	case VM_CAP_IPI_EXIT:
		cap->capval = vlapic_ipi_exit(vcpu->vlapic);
		return 0;
	default:
		return vm->backend->cap_get(vcpu, cap->captype, &cap->capval);
	}
}

static int op_set_capability(struct vm *vm, struct vcpu *vcpu, void *arg)
{
	const struct vm_capability *cap = arg;

	if ((int)cap->captype < 0 || cap->captype >= VM_CAP_MAX)
		return -EINVAL;
	switch (cap->captype) {
	case VM_CAP_IPI_EXIT:
		vlapic_set_ipi_exit(vcpu->vlapic, cap->capval);
		return 0;
	default:
		return vm->backend->cap_set(vcpu, cap->captype, cap->capval);
	}
}

/* --- events (section 12) ---------------------------------------------- */

static int op_inject_exception(struct vm *vm, struct vcpu *vcpu, void *arg)
{
	const struct vm_exception *exc = arg;

	return vcpu_inject_exception(vcpu, exc->vector, exc->error_code_valid, exc->error_code,
				     exc->restart_instruction);
}

static int op_inject_nmi(struct vm *vm, struct vcpu *vcpu, void *arg)
{
	set_bit(EVENT_NMI, &vcpu->events.flags);
	vcpu_notify(vcpu);
	return 0;
}

static int op_get_intinfo(struct vm *vm, struct vcpu *vcpu, void *arg)
{
	struct vm_intinfo *info = arg;

	info->info1 = vcpu->events.exitintinfo;
	info->info2 = vcpu->events.exception;
	return 0;
}

static int op_set_intinfo(struct vm *vm, struct vcpu *vcpu, void *arg)
{
	const struct vm_intinfo *info = arg;

	return event_set_intinfo(&vcpu->events, info->info1);
}

static int op_restart_instruction(struct vm *vm, struct vcpu *vcpu, void *arg)
{
	vcpu->nextrip = vcpu->exit_rip;
	return 0;
}

static int op_lapic_irq(struct vm *vm, struct vcpu *vcpu, void *arg)
{
	const struct vm_lapic_irq *irq = arg;

	if (irq->vector < 16 || irq->vector > 255)
		return -EINVAL;
	vlapic_set_irr(vcpu->vlapic, irq->vector, false);
	return 0;
}

static int op_lapic_local_irq(struct vm *vm, struct vcpu *vcpu, void *arg)
{
	const struct vm_lapic_irq *irq = arg;
	unsigned int id;
	int err = 0;

	if (vcpu)
		return vlapic_trigger_lvt(vcpu->vlapic, irq->vector);
	vm_for_each_vcpu(vm, vcpu, id)
		if (!err && test_bit(id, vm->irq.active))
			err = vlapic_trigger_lvt(vcpu->vlapic, irq->vector);
	return err;
}

static int op_lapic_msi(struct vm *vm, struct vcpu *vcpu, void *arg)
{
	const struct vm_lapic_msi *msi = arg;

	return irq_msi(&vm->irq, msi->addr, msi->msg);
}

/* --- chips (sections 15 to 22) ---------------------------------------- */

static int op_ioapic_assert(struct vm *vm, struct vcpu *vcpu, void *arg)
{
	const struct vm_ioapic_irq *irq = arg;

	return vioapic_assert(vm->vioapic, irq->irq);
}

static int op_ioapic_deassert(struct vm *vm, struct vcpu *vcpu, void *arg)
{
	const struct vm_ioapic_irq *irq = arg;

	return vioapic_deassert(vm->vioapic, irq->irq);
}

static int op_ioapic_pulse(struct vm *vm, struct vcpu *vcpu, void *arg)
{
	const struct vm_ioapic_irq *irq = arg;

	return vioapic_pulse(vm->vioapic, irq->irq);
}

static int op_ioapic_pincount(struct vm *vm, struct vcpu *vcpu, void *arg)
{
	*(int *)arg = VIOAPIC_PINS;
	return 0;
}

static int op_isa_assert(struct vm *vm, struct vcpu *vcpu, void *arg)
{
	const struct vm_isa_irq *irq = arg;

	return irq_isa_assert(&vm->irq, irq->atpic_irq, irq->ioapic_irq);
}

static int op_isa_deassert(struct vm *vm, struct vcpu *vcpu, void *arg)
{
	const struct vm_isa_irq *irq = arg;

	return irq_isa_deassert(&vm->irq, irq->atpic_irq, irq->ioapic_irq);
}

static int op_isa_pulse(struct vm *vm, struct vcpu *vcpu, void *arg)
{
	const struct vm_isa_irq *irq = arg;

	return irq_isa_pulse(&vm->irq, irq->atpic_irq, irq->ioapic_irq);
}

static int op_isa_set_trigger(struct vm *vm, struct vcpu *vcpu, void *arg)
{
	const struct vm_isa_irq_trigger *irq = arg;

	return vatpic_set_trigger(vm->vatpic, irq->atpic_irq, irq->trigger == LEVEL_TRIGGER);
}

static int op_get_kernemu(struct vm *vm, struct vcpu *vcpu, void *arg)
{
	struct vm_readwrite_kernemu_device *dev = arg;
	int err;

	dev->value = 0;
	err = bus_mmio_access(&vm->bus, vcpu->id, dev->gpa, false, 1 << dev->access_width,
			      &dev->value);
	return err ? -EINVAL : 0;
}

static int op_set_kernemu(struct vm *vm, struct vcpu *vcpu, void *arg)
{
	struct vm_readwrite_kernemu_device *dev = arg;
	int err = bus_mmio_access(&vm->bus, vcpu->id, dev->gpa, true, 1 << dev->access_width,
				  &dev->value);

	return err ? -EINVAL : 0;
}

static int op_set_x2apic(struct vm *vm, struct vcpu *vcpu, void *arg)
{
	const struct vm_x2apic *x2apic = arg;

	int err = vlapic_set_x2apic_state(vcpu->vlapic, x2apic->state);

	if (!err)
		vcpu->cpuid.x2apic = x2apic->state == X2APIC_ENABLED;
	return err;
}

static int op_get_x2apic(struct vm *vm, struct vcpu *vcpu, void *arg)
{
	struct vm_x2apic *x2apic = arg;

	x2apic->state = vlapic_x2apic(vcpu->vlapic) ? X2APIC_ENABLED : X2APIC_DISABLED;
	return 0;
}

static int op_get_hpet_cap(struct vm *vm, struct vcpu *vcpu, void *arg)
{
	struct vm_hpet_cap *cap = arg;

	cap->capabilities = vhpet_capabilities();
	return 0;
}

static int op_rtc_read(struct vm *vm, struct vcpu *vcpu, void *arg)
{
	struct vm_rtc_data *rtc = arg;

	return vrtc_nvram_read(vm->vrtc, rtc->offset, &rtc->value);
}

static int op_rtc_write(struct vm *vm, struct vcpu *vcpu, void *arg)
{
	const struct vm_rtc_data *rtc = arg;

	return vrtc_nvram_write(vm->vrtc, rtc->offset, rtc->value);
}

static int op_rtc_settime(struct vm *vm, struct vcpu *vcpu, void *arg)
{
	const struct vm_rtc_time *rtc = arg;

	return vrtc_set_time(vm->vrtc, rtc->secs);
}

static int op_rtc_gettime(struct vm *vm, struct vcpu *vcpu, void *arg)
{
	struct vm_rtc_time *rtc = arg;

	rtc->secs = vrtc_get_time(vm->vrtc);
	return 0;
}

/* --- translation (section 14) ----------------------------------------- */

static int gla2gpa(struct vcpu *vcpu, struct vm_gla2gpa *arg, bool inject)
{
	struct paging_fault fault;
	int err = gla_translate(vcpu, &arg->paging, arg->gla, arg->prot, inject, &arg->gpa, &fault);

	if (err < 0)
		return -EFAULT;
	arg->fault = err == PAGING_FAULT;
	if (arg->fault && inject)
		gla_inject(vcpu, &fault);
	return 0;
}

static int op_gla2gpa(struct vm *vm, struct vcpu *vcpu, void *arg)
{
	return gla2gpa(vcpu, arg, true);
}

static int op_gla2gpa_nofault(struct vm *vm, struct vcpu *vcpu, void *arg)
{
	return gla2gpa(vcpu, arg, false);
}

/* --- topology and statistics (sections 27, 30) ------------------------ */

static int op_set_topology(struct vm *vm, struct vcpu *vcpu, void *arg)
{
	const struct vm_cpu_topology *topology = arg;

	return vm_set_topology(vm, topology->sockets, topology->cores, topology->threads);
}

static int op_get_topology(struct vm *vm, struct vcpu *vcpu, void *arg)
{
	struct vm_cpu_topology *topology = arg;

	topology->sockets = vm->cpuid.sockets;
	topology->cores = vm->cpuid.cores;
	topology->threads = vm->cpuid.threads;
	topology->maxcpus = vm->maxcpus;
	return 0;
}

static struct vmm_timeval wall_clock(void)
{
	struct timespec64 now;

	ktime_get_real_ts64(&now);
	return (struct vmm_timeval){ .tv_sec = now.tv_sec, .tv_usec = now.tv_nsec / NSEC_PER_USEC };
}

static int stats_copy(struct vcpu *vcpu, int index, u64 *buf)
{
	int count = min_t(int, VCPU_STAT_COUNT - index, MAX_VM_STATS), i;

	stats_refresh(vcpu);
	memset(buf, 0, MAX_VM_STATS * sizeof(*buf));
	for (i = 0; i < count; i++)
		buf[i] = READ_ONCE(vcpu->stats[array_index_nospec(index + i, VCPU_STAT_COUNT)]);
	return count;
}

static int op_stats(struct vm *vm, struct vcpu *vcpu, void *arg)
{
	struct vm_stats *stats = arg;

	if (stats->index < 0)
		return -EINVAL;
	if (stats->index > VCPU_STAT_COUNT)
		return -ENOENT;
	stats->num_entries = stats_copy(vcpu, stats->index, stats->statbuf);
	stats->tv = wall_clock();
	return 0;
}

static int op_stats_old(struct vm *vm, struct vcpu *vcpu, void *arg)
{
	struct vm_stats_old *stats = arg;

	stats->num_entries = stats_copy(vcpu, 0, stats->statbuf);
	stats->tv = wall_clock();
	return 0;
}

static int op_stat_desc(struct vm *vm, struct vcpu *vcpu, void *arg)
{
	struct vm_stat_desc *desc = arg;

	memset(desc->desc, 0, sizeof(desc->desc));
	return stat_describe(desc->index, desc->desc, sizeof(desc->desc));
}

/* --- snapshots (section 31) ------------------------------------------- */

/* Class C, but frozen in snapshot.c, around the state and not around the caller's buffer. */
static int op_snapshot(struct vm *vm, struct vcpu *vcpu, void *arg)
{
	return snapshot_request(vm, arg);
}

static int op_snapshot_old(struct vm *vm, struct vcpu *vcpu, void *arg)
{
	struct vm_snapshot_meta_old *old = arg;
	struct vm_snapshot_meta meta = {
		.dev_req = old->dev_req,
		.buffer = old->buffer,
		.op = old->op,
	};
	int err = snapshot_request(vm, &meta);

	old->buffer = meta.buffer;
	return err;
}

static int op_restore_time(struct vm *vm, struct vcpu *vcpu, void *arg)
{
	timebase_start(vm);
	return 0;
}

/* --- the table -------------------------------------------------------- */

#define ROW(name, class, fn)	{ name, VMM_FBSD_##name, class, fn }

const struct ioctl_row ioctl_rows[] = {
	ROW(VM_RUN, CLASS_VCPU, op_run),
	ROW(VM_RUN_13, CLASS_VCPU, op_run_13),
	ROW(VM_SET_CAPABILITY, CLASS_VCPU, op_set_capability),
	ROW(VM_GET_CAPABILITY, CLASS_VCPU, op_get_capability),
	ROW(VM_SUSPEND, CLASS_NONE, op_suspend),
	ROW(VM_REINIT, CLASS_MEM_WRITE, op_reinit),
	ROW(VM_GET_GPA_PMAP, CLASS_NONE, op_get_gpa_pmap),
	ROW(VM_GLA2GPA, CLASS_VCPU, op_gla2gpa),
	ROW(VM_ALLOC_MEMSEG, CLASS_MEM_WRITE, op_alloc_memseg),
	ROW(VM_ALLOC_MEMSEG_15, CLASS_NONE, op_alloc_memseg_15),
	ROW(VM_ALLOC_MEMSEG_FBSD12, CLASS_MEM_WRITE, op_alloc_memseg_fbsd12),
	ROW(VM_GET_MEMSEG, CLASS_MEM_READ, op_get_memseg),
	ROW(VM_GET_MEMSEG_15, CLASS_MEM_READ, op_get_memseg_15),
	ROW(VM_GET_MEMSEG_FBSD12, CLASS_MEM_READ, op_get_memseg_fbsd12),
	ROW(VM_MMAP_MEMSEG, CLASS_MEM_WRITE, op_mmap_memseg),
	ROW(VM_MMAP_GETNEXT, CLASS_MEM_READ, op_mmap_getnext),
	ROW(VM_GLA2GPA_NOFAULT, CLASS_VCPU, op_gla2gpa_nofault),
	ROW(VM_MUNMAP_MEMSEG, CLASS_MEM_WRITE, op_munmap_memseg),
	ROW(VM_SET_REGISTER, CLASS_VCPU, op_set_register),
	ROW(VM_GET_REGISTER, CLASS_VCPU, op_get_register),
	ROW(VM_SET_SEGMENT_DESCRIPTOR, CLASS_VCPU, op_set_seg_desc),
	ROW(VM_GET_SEGMENT_DESCRIPTOR, CLASS_VCPU, op_get_seg_desc),
	ROW(VM_SET_REGISTER_SET, CLASS_VCPU, op_set_register_set),
	ROW(VM_GET_REGISTER_SET, CLASS_VCPU, op_get_register_set),
	ROW(VM_GET_KERNEMU_DEV, CLASS_VCPU, op_get_kernemu),
	ROW(VM_SET_KERNEMU_DEV, CLASS_VCPU, op_set_kernemu),
	ROW(VM_GET_INTINFO, CLASS_VCPU, op_get_intinfo),
	ROW(VM_SET_INTINFO, CLASS_VCPU, op_set_intinfo),
	ROW(VM_INJECT_EXCEPTION, CLASS_VCPU, op_inject_exception),
	ROW(VM_LAPIC_IRQ, CLASS_FIND, op_lapic_irq),
	ROW(VM_INJECT_NMI, CLASS_FIND, op_inject_nmi),
	ROW(VM_IOAPIC_ASSERT_IRQ, CLASS_NONE, op_ioapic_assert),
	ROW(VM_IOAPIC_DEASSERT_IRQ, CLASS_NONE, op_ioapic_deassert),
	ROW(VM_IOAPIC_PULSE_IRQ, CLASS_NONE, op_ioapic_pulse),
	ROW(VM_LAPIC_MSI, CLASS_NONE, op_lapic_msi),
	ROW(VM_LAPIC_LOCAL_IRQ, CLASS_FIND_OR_ALL, op_lapic_local_irq),
	ROW(VM_IOAPIC_PINCOUNT, CLASS_NONE, op_ioapic_pincount),
	ROW(VM_RESTART_INSTRUCTION, CLASS_VCPU, op_restart_instruction),
	ROW(VM_BIND_PPTDEV, CLASS_MEM_WRITE, op_bind_pptdev),
	ROW(VM_UNBIND_PPTDEV, CLASS_MEM_WRITE, op_unbind_pptdev),
	ROW(VM_MAP_PPTDEV_MMIO, CLASS_ALL_VCPUS, op_map_pptdev_mmio),
	ROW(VM_PPTDEV_MSI, CLASS_NONE, op_pptdev_msi),
	ROW(VM_PPTDEV_MSIX, CLASS_NONE, op_pptdev_msix),
	ROW(VM_PPTDEV_DISABLE_MSIX, CLASS_NONE, op_pptdev_disable_msix),
	ROW(VM_UNMAP_PPTDEV_MMIO, CLASS_ALL_VCPUS, op_unmap_pptdev_mmio),
	ROW(VM_STATS, CLASS_FIND, op_stats),
	ROW(VM_STATS_OLD, CLASS_FIND, op_stats_old),
	ROW(VM_STAT_DESC, CLASS_NONE, op_stat_desc),
	ROW(VM_SET_X2APIC_STATE, CLASS_VCPU, op_set_x2apic),
	ROW(VM_GET_X2APIC_STATE, CLASS_FIND, op_get_x2apic),
	ROW(VM_GET_HPET_CAPABILITIES, CLASS_NONE, op_get_hpet_cap),
	ROW(VM_SET_TOPOLOGY, CLASS_NONE, op_set_topology),
	ROW(VM_GET_TOPOLOGY, CLASS_NONE, op_get_topology),
	ROW(VM_ISA_ASSERT_IRQ, CLASS_NONE, op_isa_assert),
	ROW(VM_ISA_DEASSERT_IRQ, CLASS_NONE, op_isa_deassert),
	ROW(VM_ISA_PULSE_IRQ, CLASS_NONE, op_isa_pulse),
	ROW(VM_ISA_SET_IRQ_TRIGGER, CLASS_NONE, op_isa_set_trigger),
	ROW(VM_ACTIVATE_CPU, CLASS_VCPU, op_activate_cpu),
	ROW(VM_GET_CPUS, CLASS_NONE, op_get_cpus),
	ROW(VM_SUSPEND_CPU, CLASS_FIND_OR_ALL, op_suspend_cpu),
	ROW(VM_RESUME_CPU, CLASS_FIND_OR_ALL, op_resume_cpu),
	ROW(VM_RTC_READ, CLASS_NONE, op_rtc_read),
	ROW(VM_RTC_WRITE, CLASS_NONE, op_rtc_write),
	ROW(VM_RTC_SETTIME, CLASS_NONE, op_rtc_settime),
	ROW(VM_RTC_GETTIME, CLASS_NONE, op_rtc_gettime),
	ROW(VM_SNAPSHOT_REQ, CLASS_NONE, op_snapshot),
	ROW(VM_SNAPSHOT_REQ_OLD, CLASS_NONE, op_snapshot_old),
	ROW(VM_RESTORE_TIME, CLASS_ALL_VCPUS, op_restore_time),
};

const unsigned int ioctl_nrows = ARRAY_SIZE(ioctl_rows);

static_assert(sizeof(struct vm_stats) == IOCTL_ARG_MAX, "the largest argument");
static_assert(ARRAY_SIZE(ioctl_rows) < 255, "first_row[] holds an index in a byte");
