// SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
#include <linux/errno.h>
#include <linux/io.h>
#include <linux/percpu.h>
#include <linux/smp.h>
#include <linux/spinlock.h>
#include "fake_vmx.h"

struct fake_vmx fake_vmx;

#define ACTIVE_MAX	64
#define NO_VMCS		(~0ULL)

static DEFINE_RAW_SPINLOCK(active_lock);
static struct { u64 hpa; int cpu; } active[ACTIVE_MAX];	/* active_lock; hpa 0: free */
static DEFINE_PER_CPU(u64, current_hpa) = NO_VMCS;

static void broken(const char *what)
{
	if (!fake_vmx.broken)
		fake_vmx.broken = what;
}

/* --- fields ---------------------------------------------------------------------------- */

/*
 * Encodings: bits 9-1 index, 11-10 type, 14-13 width (manual vol. 3, appendix B). The first index
 * of 16-bit controls is VPID's, where the header of the page is: its place is that of a field that
 * does not exist, a 16-bit read-only one.
 */
#define INDEXES		32

static u64 *field_slot(struct vmcs *vmcs, unsigned long field)
{
	unsigned int index = (field >> 1) & 0x1ff;
	unsigned int type = (field >> 10) & 3, width = (field >> 13) & 3;
	unsigned int slot = (width * 4 + type) * INDEXES + index;

	if ((field & ~0x6ffeUL) || index >= INDEXES || (!width && type == 1))
		return NULL;
	return (u64 *)vmcs + (slot ?: INDEXES);
}
static_assert(16 * INDEXES * sizeof(u64) == sizeof(struct vmcs));

static u64 width_mask(unsigned long field)
{
	switch ((field >> 13) & 3) {
	case 0:
		return 0xffff;
	case 2:
		return 0xffffffff;
	default:
		return ~0ULL;
	}
}

static struct vmcs *vmcs_here(void)
{
	u64 hpa = this_cpu_read(current_hpa);

	if (preemptible())
		broken("a VMCS is used with preemption on");
	return hpa == NO_VMCS ? NULL : phys_to_virt(hpa);
}

bool vmx_insn_vmread(unsigned long field, u64 *val)
{
	struct vmcs *vmcs = vmcs_here();
	u64 *slot = vmcs ? field_slot(vmcs, field) : NULL;

	if (!slot)
		return false;
	*val = *slot;
	return true;
}

bool vmx_insn_vmwrite(unsigned long field, u64 val)
{
	struct vmcs *vmcs = vmcs_here();
	u64 *slot = vmcs ? field_slot(vmcs, field) : NULL;

	if (!slot || ((field >> 10) & 3) == 1)
		return false;
	*slot = val & width_mask(field);
	return true;
}

u64 fake_vmcs_get(struct vmx_vcpu *vmx, unsigned long field)
{
	return *field_slot(vmx->vmcs, field);
}

void fake_vmcs_set(struct vmx_vcpu *vmx, unsigned long field, u64 val)
{
	*field_slot(vmx->vmcs, field) = val & width_mask(field);
}

/* --- which VMCS is where ------------------------------------------------------------------ */

/* Of @hpa, or (0) a free one; NULL: there is none. */
static int active_slot(u64 hpa)
{
	int i;

	for (i = 0; i < ACTIVE_MAX; i++)
		if (active[i].hpa == hpa)
			return i;
	return -1;
}

int fake_vmcs_cpu(struct vmx_vcpu *vmx)
{
	unsigned long flags;
	int slot, cpu;

	raw_spin_lock_irqsave(&active_lock, flags);
	slot = active_slot(virt_to_phys(vmx->vmcs));
	cpu = slot < 0 ? -1 : active[slot].cpu;
	raw_spin_unlock_irqrestore(&active_lock, flags);
	return cpu;
}

void vmx_insn_vmclear(u64 vmcs_hpa)
{
	unsigned long flags;
	int slot;

	raw_spin_lock_irqsave(&active_lock, flags);
	fake_vmx.vmclears++;
	slot = active_slot(vmcs_hpa);
	if (slot >= 0 && active[slot].cpu != smp_processor_id())
		broken("VMCLEAR of a VMCS that is active on another CPU");
	if (slot >= 0)
		active[slot].hpa = 0;
	if (this_cpu_read(current_hpa) == vmcs_hpa)
		this_cpu_write(current_hpa, NO_VMCS);
	raw_spin_unlock_irqrestore(&active_lock, flags);
}

static void activate(u64 vmcs_hpa)
{
	int slot = active_slot(vmcs_hpa);

	if (slot >= 0 && active[slot].cpu != smp_processor_id())
		broken("VMPTRLD of a VMCS that is active on another CPU");
	if (slot < 0)
		slot = active_slot(0);
	if (slot < 0) {
		broken("more active VMCSs than the test has room for");
		return;
	}
	active[slot].hpa = vmcs_hpa;
	active[slot].cpu = smp_processor_id();
}

bool vmx_insn_vmptrld(u64 vmcs_hpa)
{
	struct vmcs *vmcs = phys_to_virt(vmcs_hpa);
	unsigned long flags;

	if (vmcs->revision != vmx_caps.revision)
		return false;
	raw_spin_lock_irqsave(&active_lock, flags);
	fake_vmx.vmptrlds++;
	activate(vmcs_hpa);
	this_cpu_write(current_hpa, vmcs_hpa);
	raw_spin_unlock_irqrestore(&active_lock, flags);
	return true;
}

/* --- the rest ------------------------------------------------------------------------------- */

/* The suites say that every CPU is in VMX operation; this one is an AMD processor. */
int vmx_insn_vmxon(u64 region_hpa)
{
	broken("VMXON");
	return -EIO;
}

void vmx_insn_vmxoff(void)
{
	broken("VMXOFF");
}

u64 vmx_capability(u32 msr)
{
	if (msr >= 0x480 && msr < 0x480 + FAKE_VMX_MSRS)
		return fake_vmx.msrs[msr - 0x480];
	broken("no such capability MSR");
	return 0;
}

void vmx_insn_invept(enum vmx_inv_type type, u64 eptp)
{
	fake_vmx.invepts++;
	fake_vmx.inv_type = type;
	fake_vmx.inv_eptp = eptp;
}

void vmx_insn_invvpid(enum vmx_inv_type type, u16 vpid)
{
	fake_vmx.invvpids++;
	fake_vmx.inv_type = type;
	fake_vmx.inv_vpid = vpid;
}

void fake_vmx_reset(void)
{
	int cpu;

	memset(&fake_vmx, 0, sizeof(fake_vmx));
	memset(active, 0, sizeof(active));
	for_each_possible_cpu(cpu)
		*per_cpu_ptr(&current_hpa, cpu) = NO_VMCS;
}
