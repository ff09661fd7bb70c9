// SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
/*
 * VT-x: the guest is the host's own kernel, its address space and its registers, at an instruction that always exits; so that there is
 * no need of EPT, of memory for it, nor of an address space for the host to come back to.
 */
#include <linux/errno.h>
#include <linux/io.h>
#include <linux/kernel.h>
#include <asm/debugreg.h>
#include <asm/desc.h>
#include <asm/msr.h>
#include <asm/special_insns.h>
#include <asm/tlbflush.h>
#include <vmx/vmcs.h>
#include <mark.h>
#include "floor.h"

#define TR_SELECTOR		(GDT_ENTRY_TSS * 8)
#define ACCESS_CODE_64		0xa09b
#define ACCESS_DATA		0xc093
#define ACCESS_TSS_BUSY		0x8b
#define TSS_LIMIT		0x67

asmlinkage bool floor_vmx_switch(u64 *gpr, bool launched);
asmlinkage void floor_vmx_guest(void);

/* What the processor lets nobody leave out, and EXTRA. */
static u32 control(u32 msr, u32 extra)
{
	return (u32)vmx_capability(msr) | extra;
}

/* Fields that this processor does not have are not needed either. */
static void write(unsigned long field, u64 val)
{
	vmx_insn_vmwrite(field, val);
}

static u64 msr_read(u32 msr)
{
	u64 val;

	rdmsrl(msr, val);
	return val;
}

static u64 tss_base(const struct desc_ptr *gdt)
{
	const struct ldttss_desc *desc = (void *)(gdt->address + TR_SELECTOR);

	return desc->base0 | desc->base1 << 16 | (u64)desc->base2 << 24 | (u64)desc->base3 << 32;
}

static void controls_set(void)
{
	write(VMCS_PIN_CONTROLS, control(MSR_IA32_VMX_PINBASED_CTLS, 0));
	write(VMCS_PROC_CONTROLS, control(MSR_IA32_VMX_PROCBASED_CTLS, 0));
	write(VMCS_EXIT_CONTROLS, control(MSR_IA32_VMX_EXIT_CTLS, EXIT_HOST_64BIT));
	write(VMCS_ENTRY_CONTROLS, control(MSR_IA32_VMX_ENTRY_CTLS, ENTRY_LONG_MODE));
	write(VMCS_EXCEPTION_BITMAP, 0);
	write(VMCS_CR3_TARGET_COUNT, 0);
	write(VMCS_EXIT_MSR_STORE_COUNT, 0);
	write(VMCS_EXIT_MSR_LOAD_COUNT, 0);
	write(VMCS_ENTRY_MSR_LOAD_COUNT, 0);
	write(VMCS_ENTRY_INTR_INFO, 0);
	write(VMCS_CR0_MASK, 0);
	write(VMCS_CR4_MASK, 0);
}

static void host_set(const struct desc_ptr *gdt, const struct desc_ptr *idt)
{
	write(VMCS_HOST_CS_SELECTOR, __KERNEL_CS);
	write(VMCS_HOST_SS_SELECTOR, __KERNEL_DS);
	write(VMCS_HOST_DS_SELECTOR, 0);
	write(VMCS_HOST_ES_SELECTOR, 0);
	write(VMCS_HOST_FS_SELECTOR, 0);
	write(VMCS_HOST_GS_SELECTOR, 0);
	write(VMCS_HOST_TR_SELECTOR, TR_SELECTOR);
	write(VMCS_HOST_CR0, read_cr0());
	write(VMCS_HOST_CR3, __read_cr3());
	write(VMCS_HOST_CR4, __read_cr4());
	write(VMCS_HOST_FS_BASE, msr_read(MSR_FS_BASE));
	write(VMCS_HOST_GS_BASE, msr_read(MSR_GS_BASE));
	write(VMCS_HOST_TR_BASE, tss_base(gdt));
	write(VMCS_HOST_GDTR_BASE, gdt->address);
	write(VMCS_HOST_IDTR_BASE, idt->address);
	write(VMCS_HOST_SYSENTER_CS, msr_read(MSR_IA32_SYSENTER_CS));
	write(VMCS_HOST_SYSENTER_ESP, msr_read(MSR_IA32_SYSENTER_ESP));
	write(VMCS_HOST_SYSENTER_EIP, msr_read(MSR_IA32_SYSENTER_EIP));
}

static void segment_set(enum vmcs_segment seg, u16 selector, u64 base, u32 limit, u32 access)
{
	write(vmcs_segment_field(VMCS_GUEST_SELECTOR, seg), selector);
	write(vmcs_segment_field(VMCS_GUEST_BASE, seg), base);
	write(vmcs_segment_field(VMCS_GUEST_LIMIT, seg), limit);
	write(vmcs_segment_field(VMCS_GUEST_ACCESS, seg), access);
}

static void guest_set(const struct desc_ptr *gdt, const struct desc_ptr *idt)
{
	static const enum vmcs_segment unused[] = { VMCS_DS, VMCS_ES, VMCS_FS, VMCS_GS, VMCS_LDTR };
	int i;

	segment_set(VMCS_CS, __KERNEL_CS, 0, U32_MAX, ACCESS_CODE_64);
	segment_set(VMCS_SS, __KERNEL_DS, 0, U32_MAX, ACCESS_DATA);
	segment_set(VMCS_TR, TR_SELECTOR, tss_base(gdt), TSS_LIMIT, ACCESS_TSS_BUSY);
	for (i = 0; i < ARRAY_SIZE(unused); i++)
		segment_set(unused[i], 0, 0, 0, ACCESS_UNUSABLE);
	write(VMCS_GUEST_GDTR_BASE, gdt->address);
	write(VMCS_GUEST_GDTR_LIMIT, gdt->size);
	write(VMCS_GUEST_IDTR_BASE, idt->address);
	write(VMCS_GUEST_IDTR_LIMIT, idt->size);
	write(VMCS_GUEST_CR0, read_cr0());
	write(VMCS_GUEST_CR3, __read_cr3());
	write(VMCS_GUEST_CR4, __read_cr4());
	write(VMCS_GUEST_DR7, 0x400);
	write(VMCS_GUEST_DEBUGCTL, 0);
	write(VMCS_GUEST_RIP, (u64)floor_vmx_guest);
	write(VMCS_GUEST_RSP, 0);
	write(VMCS_GUEST_RFLAGS, X86_EFLAGS_FIXED);
	write(VMCS_GUEST_INTERRUPTIBILITY, 0);
	write(VMCS_GUEST_ACTIVITY, ACTIVITY_ACTIVE);
	write(VMCS_GUEST_PENDING_DEBUG, 0);
	write(VMCS_GUEST_SYSENTER_CS, 0);
	write(VMCS_GUEST_SYSENTER_ESP, 0);
	write(VMCS_GUEST_SYSENTER_EIP, 0);
	write(VMCS_GUEST_LINK_POINTER, ~0ULL);
}

/* @ticks: the fewest. All calls of the switch are this one. */
static int measure(u64 *ticks)
{
	u64 gpr[16] = {}, start, reason;
	bool entered;
	int i;

	floor_select();
	*ticks = U64_MAX;
	for (i = 0; i < SAMPLES; i++) {
		trace_mark(i >= SAMPLES - TRACED);
		start = rdtsc();
		entered = floor_vmx_switch(gpr, i > 0);
		*ticks = min(*ticks, rdtsc() - start);
		trace_mark(i >= SAMPLES - TRACED);
		if (!entered || !vmx_insn_vmread(VMCS_EXIT_REASON, &reason) || reason != EXIT_CPUID)
			return -EIO;
	}
	return 0;
}

/* An exit leaves the limits of GDTR, IDTR and TR, and selectors, otherwise than the kernel has them. */
static int measure_here(struct vmcs *vmcs, u64 *ticks)
{
	u16 fs, gs, ds, es;
	u64 fs_base = msr_read(MSR_FS_BASE), kernel_gs_base = msr_read(MSR_KERNEL_GS_BASE), dr7;
	struct desc_ptr gdt, idt;
	int err;

	native_store_gdt(&gdt);
	store_idt(&idt);
	savesegment(fs, fs);
	savesegment(gs, gs);
	savesegment(ds, ds);
	savesegment(es, es);
	get_debugreg(dr7, 7);
	vmx_insn_vmclear(__pa(vmcs));
	if (!vmx_insn_vmptrld(__pa(vmcs)))
		return -EIO;
	controls_set();
	host_set(&gdt, &idt);
	guest_set(&gdt, &idt);
	err = measure(ticks);
	vmx_insn_vmclear(__pa(vmcs));
	native_load_gdt(&gdt);
	native_load_idt(&idt);
	invalidate_tss_limit();
	set_debugreg(dr7, 7);
	loadsegment(ds, ds);
	loadsegment(es, es);
	loadsegment(fs, fs);
	wrmsrl(MSR_FS_BASE, fs_base);
	load_gs_index(gs);
	wrmsrl(MSR_KERNEL_GS_BASE, kernel_gs_base);
	return err;
}

int floor_vmx(void *pages, u64 *ticks)
{
	struct vmcs *vmcs = pages, *vmxon = pages + PAGE_SIZE;
	unsigned long flags;
	int err = -EBUSY;

	vmcs->revision = vmxon->revision = (u32)vmx_capability(MSR_IA32_VMX_BASIC) & GENMASK(30, 0);
	local_irq_save(flags);
	if (!(__read_cr4() & X86_CR4_VMXE)) {
		cr4_set_bits_irqsoff(X86_CR4_VMXE);
		err = vmx_insn_vmxon(__pa(vmxon));
		if (!err) {
			err = measure_here(vmcs, ticks);
			vmx_insn_vmxoff();
		}
		cr4_clear_bits_irqsoff(X86_CR4_VMXE);
	}
	local_irq_restore(flags);
	return err;
}
