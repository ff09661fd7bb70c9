// SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
#include <linux/errno.h>
#include <linux/minmax.h>
#include <linux/mm.h>
#include <linux/string.h>
#include <linux/timekeeping.h>
#include <asm/barrier.h>
#include <asm/msr.h>
#include <asm/tsc.h>
#include "mem/pte_format.h"
#include "pvmsr.h"
#include "vm.h"
#include "x86/pvclock.h"

/* --- the host's TSC -------------------------------------------------------- */

/* The host's own clock reads it, so it has been found to be one clock on all CPUs. */
static bool host_keeps_time_by_tsc(void)
{
	struct system_time_snapshot snapshot;
	u64 before = rdtsc_ordered();

	ktime_get_snapshot(&snapshot);
	return snapshot.cycles - before <= rdtsc_ordered() - before;
}

bool pvmsr_host_able(void)
{
	if (check_tsc_unstable() || !tsc_khz)
		return false;
	return (boot_cpu_has(X86_FEATURE_CONSTANT_TSC) && boot_cpu_has(X86_FEATURE_NONSTOP_TSC)) ||
	       host_keeps_time_by_tsc();
}

/* --- the guest's memory ---------------------------------------------------- */

static bool guest_has(struct vcpu *vcpu, u64 gpa, size_t len)
{
	struct vm_mem *mem = &vcpu->vm->mem;
	const struct memmap *first = memmap_find(mem, gpa), *last = memmap_find(mem, gpa + len - 1);

	return first && last && (first->prot & last->prot & GPT_PROT_WRITE);
}

/* False: some of it is not there. The vCPU is not loaded. */
static bool guest_write(struct vcpu *vcpu, u64 gpa, const void *buf, size_t len)
{
	struct mem_hold hold;
	size_t piece;
	void *addr;

	for (; len; len -= piece, gpa += piece, buf += piece) {
		piece = min_t(size_t, len, PAGE_SIZE - offset_in_page(gpa));
		addr = mem_hold(&vcpu->vm->mem, gpa, piece, GPT_PROT_WRITE, &hold);
		if (!addr)
			return false;
		memcpy(addr, buf, piece);
		mem_release(&hold, true);
	}
	return true;
}

/*
 * A struct that starts with its version, for readers on other vCPUs: odd first, even last. The
 * address is a multiple of 4, so that a version is written at once.
 */
static int versioned_write(struct vcpu *vcpu, u64 gpa, void *buf, size_t len)
{
	u32 *version = buf;
	bool written;

	vcpu_put(vcpu);
	if (!guest_has(vcpu, gpa, len))
		return -EINVAL;
	*version |= 1;
	written = guest_write(vcpu, gpa, version, sizeof(*version));
	smp_wmb();	/* pairs with the guest's read barriers */
	written &= guest_write(vcpu, gpa + sizeof(*version), buf + sizeof(*version),
			       len - sizeof(*version));
	smp_wmb();	/* and again */
	*version += 1;
	written &= guest_write(vcpu, gpa, version, sizeof(*version));
	return written ? 0 : -EINVAL;
}

/* --- the clock -------------------------------------------------------------- */

/* Page of a vCPU whose TSC has this offset. */
static void clock_page(struct vm *vm, u64 tsc_offset, struct pvclock_page *page)
{
	struct pvmsr_clock *clock = &vm->pvclock;
	unsigned long flags;

	raw_spin_lock_irqsave(&vm->time_lock, flags);
	if (!clock->taken) {
		clock->host_tsc = vm->clock.source->tsc();
		clock->ns = vclock_now_ns(&vm->clock);
		clock->taken = true;
	}
	pvclock_fill(page, clock->host_tsc + tsc_offset, clock->ns, vm->cpuid.tsc_khz);
	raw_spin_unlock_irqrestore(&vm->time_lock, flags);
}

static int system_write(struct vcpu *vcpu, u64 val)
{
	struct pvclock_page page;

	if (!(val & PVCLOCK_ON))
		return 0;
	clock_page(vcpu->vm, vcpu->tsc_offset, &page);
	page.version = vcpu->pvclock_version;
	vcpu->pvclock_version += 2;
	return versioned_write(vcpu, val & ~(u64)PVCLOCK_ON, &page, sizeof(page));
}

static int wall_write(struct vcpu *vcpu, u64 gpa)
{
	struct pvclock_wall wall;
	struct pvclock_page page;

	clock_page(vcpu->vm, 0, &page);
	pvclock_wall_fill(&wall, ktime_get_real_ns(),
			  pvclock_read_ns(&page, vcpu->vm->clock.source->tsc()));
	return versioned_write(vcpu, gpa, &wall, sizeof(wall));
}

/* --- the MSRs ---------------------------------------------------------------- */

int pvmsr_read(struct vcpu *vcpu, u32 msr, u64 *val)
{
	if (!vcpu->vm->cpuid.pvclock)
		return -ENOENT;
	switch (msr) {
	case PVCLOCK_MSR_WALL:
		*val = READ_ONCE(vcpu->vm->pvclock.wall);
		return 0;
	case PVCLOCK_MSR_SYSTEM:
		*val = vcpu->pvclock_msr;
		return 0;
	default:
		return -ENOENT;
	}
}

int pvmsr_write(struct vcpu *vcpu, u32 msr, u64 val)
{
	int err;

	if (!vcpu->vm->cpuid.pvclock || (msr != PVCLOCK_MSR_WALL && msr != PVCLOCK_MSR_SYSTEM))
		return -ENOENT;
	if (msr == PVCLOCK_MSR_WALL) {
		err = val & 3 ? -EINVAL : wall_write(vcpu, val);
		if (!err)
			WRITE_ONCE(vcpu->vm->pvclock.wall, val);
		return err;
	}
	err = val & 2 ? -EINVAL : system_write(vcpu, val);
	if (!err)
		vcpu->pvclock_msr = val;
	return err;
}

void pvmsr_tsc_moved(struct vcpu *vcpu)
{
	/* Where the page has gone from the guest's memory there is nobody to tell. */
	if (unlikely(vcpu->pvclock_msr & PVCLOCK_ON))
		system_write(vcpu, vcpu->pvclock_msr);
}

void pvmsr_reset(struct vm *vm)
{
	vm->pvclock = (struct pvmsr_clock){ };
}
