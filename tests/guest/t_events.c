// SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
/* Exceptions and NMIs: injected, blocked, nested. */
#include "test.h"

#define FAR_IDT_GPA	0x800000

#ifdef GUEST

static volatile unsigned int nmis, depth, depth_max, ticks;
static volatile uint64_t seen_vector, seen_error, seen_rip, seen_cr2;

static void see(struct frame *frame)
{
	seen_vector = frame->vector;
	seen_error = frame->error;
	seen_rip = frame->rip;
	seen_cr2 = read_cr2();
}

/* The host injects what it likes into a loop of syncs: traps arrive at the instruction behind the OUT. */
GUEST_MAIN(injection)
{
	handler_set(VEC_GP, see);
	handler_set(VEC_PF, see);
	handler_set(VEC_DE, see);
	for (uint32_t i = 0; i < 4; i++) {
		seen_vector = seen_error = ~0ull;
		sync(i);
		value(seen_vector);
		value(seen_error);
		value(seen_rip);
		value(seen_cr2);
	}
}

static void nmi_nested(struct frame *frame)
{
	nmis++;
	if (++depth > depth_max)
		depth_max = depth;
	if (nmis == 1) {
		sync(10);		/* the host sends one more, twice */
		for (int i = 0; i < 1000; i++)
			pause();
	}
	depth--;
}

/* A second NMI waits for the IRET of the first; a third before that is lost. */
GUEST_MAIN(nmi_blocking)
{
	handler_set(VEC_NMI, nmi_nested);
	sync(1);			/* the host sends the first */
	for (int i = 0; i < 1000; i++)
		pause();
	CHECK_EQ(nmis, 2);
	CHECK_EQ(depth_max, 1);
	for (int i = 0; i < 1000; i++)
		pause();
	CHECK_EQ(nmis, 2);
	/* It wakes HLT, interrupts on or off. */
	sync(2);
	asm volatile("hlt");
	CHECK_EQ(nmis, 3);
	sync(3);
	sti_hlt_cli();
	CHECK_EQ(nmis, 4);
}

/* The interrupt shadow of STI and MOV SS: nothing comes between it and the next instruction. */
static void tick(struct frame *frame)
{
	ticks++;
	seen_rip = frame->rip;
	apic_write(APIC_EOI, 0);
}

extern uint8_t shadow_sti[], shadow_ss[];

GUEST_MAIN(shadow)
{
	handler_set(0x40, tick);
	apic_enable();
	apic_write(APIC_ICR, 0x44040);
	asm volatile("sti; nop; .globl shadow_sti\nshadow_sti: nop; cli" : : : "memory");
	CHECK_EQ(ticks, 1);
	CHECK_EQ(seen_rip, (uint64_t)shadow_sti);

	handler_set(VEC_NMI, see);
	sync(1);		/* the host injects an NMI while CPUID, which exits, is in a shadow */
	asm volatile("mov %%ss, %%eax; mov %%eax, %%ss; cpuid; .globl shadow_ss\nshadow_ss: nop" : : : "rax", "rbx", "rcx", "rdx", "memory");
}

GUEST_MAIN(triple_fault)
{
	guest_idt[2 * VEC_GP] = guest_idt[2 * VEC_DF] = guest_idt[2 * VEC_UD] = 0;
	asm volatile("ud2");
}

static void double_fault(struct frame *frame)
{
	value(frame->vector);
	value(frame->error);
	guest_pass();
}

/* No gate for #UD: #GP, which after the benign #UD is just the next exception. No gate for that either: #DF. */
GUEST_MAIN(double_fault)
{
	handler_set(VEC_DF, double_fault);
	guest_idt[2 * VEC_GP] = guest_idt[2 * VEC_UD] = 0;
	asm volatile("ud2");
}

GUEST_MAIN(exceptions)
{
	handler_set(VEC_BP, see);
	asm volatile("int3");
	CHECK_EQ(seen_vector, VEC_BP);
	handler_set(0x80, see);
	asm volatile("int $0x80");
	CHECK_EQ(seen_vector, 0x80);
	handler_set(VEC_DB, see);
	asm volatile("pushf; orl $0x100, (%%rsp); popf; nop; pushf; andl $~0x100, (%%rsp); popf" : : : "memory");
	CHECK_EQ(seen_vector, VEC_DB);
	CHECK(read_dr6() & 0x4000);
}

GUEST_MAIN(icebp)
{
	handler_set(VEC_DB, see);
	asm volatile(".byte 0xf1; .globl icebp_next\nicebp_next: nop");
	CHECK_EQ(seen_vector, VEC_DB);
	value(seen_rip);
}

GUEST_MAIN(breakpoint)
{
	handler_set(VEC_BP, see);
	value(0);
	asm volatile(".globl bp_insn\nbp_insn: int3");
	CHECK_EQ(seen_vector, VEC_BP);
	value(seen_rip);
}

/* Data for the delivery itself: the IDT on a page that was never touched, so that its first use takes a nested fault. */
static volatile unsigned int far_ticks;

static void far_tick(struct frame *frame)
{
	far_ticks++;
	apic_write(APIC_EOI, 0);
}

GUEST_MAIN(delivery_faults)
{
	struct { uint16_t limit; uint64_t base; } __attribute__((packed)) idtr = { 4095, FAR_IDT_GPA };

	handler_set(0x40, far_tick);
	apic_enable();
	sync(1);		/* the host fills in the IDT, behind the guest's back */
	asm volatile("lidt %0" : : "m"(idtr));
	for (int i = 0; i < 10; i++) {
		sync(2);	/* ... and unmaps it, maps it again, and sends 0x40 */
		sti_cli();
	}
	CHECK_EQ(far_ticks, 10);
}

#else

static void expect_injected(struct machine *m, uint64_t vector, uint64_t error, uint64_t rip)
{
	EXPECT_EQ(m->values[m->value_count - 4], vector);
	EXPECT_EQ(m->values[m->value_count - 3], error);
	EXPECT_EQ(m->values[m->value_count - 2], rip);
}

TEST(exception_injection)
{
	struct machine *m = machine_create(1);
	struct vm_exit exit;
	uint64_t info1, info2, rip;

	vcpu_start_main(m, 0, "injection");
	EXPECT_EQ(vcpu_run(m, 0, &exit), GUEST_SYNC);
	rip = exit.rip;
	/* A trap, behind the OUT. */
	OK(vm_inject_exception(m->vcpu[0], 13, 1, 0x1234, 0));
	OK(vm_get_intinfo(m->vcpu[0], &info1, &info2));
	EXPECT_EQ(info1, 0);
	EXPECT_EQ(info2, 0x1234ull << 32 | VM_INTINFO_VALID | VM_INTINFO_DEL_ERRCODE | VM_INTINFO_HWEXCEPTION | 13);
	EXPECT_ERRNO(vm_inject_exception(m->vcpu[0], 14, 1, 0, 0), EBUSY);
	EXPECT_ERRNO(vm_inject_exception(m->vcpu[0], 8, 0, 0, 0), EINVAL);
	EXPECT_ERRNO(vm_inject_exception(m->vcpu[0], 32, 0, 0, 0), EINVAL);
	EXPECT_ERRNO(vm_inject_exception(m->vcpu[0], -1, 0, 0, 0), EINVAL);
	EXPECT_EQ(vcpu_run(m, 0, &exit), GUEST_SYNC);
	EXPECT_EQ(exit.u.inout.eax, 1);
	expect_injected(m, 13, 0x1234, rip + (uint64_t)exit.inst_length);
	OK(vm_get_intinfo(m->vcpu[0], &info1, &info2));
	EXPECT_EQ(info2, 0);

	/* A fault: the OUT is executed again. */
	rip = exit.rip;
	reg_set(m, 0, VM_REG_GUEST_CR2, 0xabcdef);
	OK(vm_inject_exception(m->vcpu[0], 14, 1, 2, 1));
	EXPECT_EQ(vcpu_run(m, 0, &exit), GUEST_SYNC);
	EXPECT_EQ(exit.u.inout.eax, 1);
	EXPECT_EQ(vcpu_run(m, 0, &exit), GUEST_SYNC);
	EXPECT_EQ(exit.u.inout.eax, 2);
	expect_injected(m, 14, 2, rip);
	EXPECT_EQ(m->values[m->value_count - 1], 0xabcdef);

	/* By VM_SET_INTINFO. */
	rip = exit.rip;
	EXPECT_ERRNO(vm_set_intinfo(m->vcpu[0], VM_INTINFO_VALID | VM_INTINFO_NMI | 3), EINVAL);
	EXPECT_ERRNO(vm_set_intinfo(m->vcpu[0], VM_INTINFO_VALID | VM_INTINFO_HWEXCEPTION | 32), EINVAL);
	EXPECT_ERRNO(vm_set_intinfo(m->vcpu[0], VM_INTINFO_VALID | 0x1000), EINVAL);
	OK(vm_set_intinfo(m->vcpu[0], VM_INTINFO_VALID | VM_INTINFO_HWEXCEPTION | 0));
	OK(vm_get_intinfo(m->vcpu[0], &info1, &info2));
	EXPECT_EQ(info1, VM_INTINFO_VALID | VM_INTINFO_HWEXCEPTION);
	EXPECT_EQ(vcpu_run(m, 0, &exit), GUEST_SYNC);
	EXPECT_EQ(exit.u.inout.eax, 3);
	expect_injected(m, 0, 0, rip + (uint64_t)exit.inst_length);
	EXPECT_PASS(m, 0);
}

/* Two at once: contributory after contributory is a double fault, which the guest takes; after a double fault nothing is left. */
TEST(exception_merging)
{
	struct machine *m = machine_create(1);
	struct vm_exit exit;

	vcpu_start_main(m, 0, "injection");
	EXPECT_SYNC(m, 0, 0);
	OK(vm_set_intinfo(m->vcpu[0], 8ull | VM_INTINFO_VALID | VM_INTINFO_DEL_ERRCODE | VM_INTINFO_HWEXCEPTION));
	OK(vm_inject_exception(m->vcpu[0], 13, 1, 0, 0));
	exit = EXPECT_EXIT(m, 0, VM_EXITCODE_SUSPENDED);
	EXPECT_EQ(exit.u.suspended.how, VM_SUSPEND_TRIPLEFAULT);
	EXPECT_EQ(vcpu_run_once(m, 0, &exit), EINVAL);
}

static void *nmi_later(void *arg)
{
	struct machine *m = arg;

	usleep(50000);
	OK(vm_inject_nmi(m->vcpu[0]));
	return NULL;
}

/* The second vCPU is never run: with it active, a HLT with interrupts off is not the end of the machine. */
TEST(nmi_blocking)
{
	struct machine *m = machine_create(2);
	pthread_t thread;

	vcpu_start_main(m, 0, "nmi_blocking");
	EXPECT_SYNC(m, 0, 1);
	OK(vm_inject_nmi(m->vcpu[0]));
	EXPECT_SYNC(m, 0, 10);
	OK(vm_inject_nmi(m->vcpu[0]));
	OK(vm_inject_nmi(m->vcpu[0]));
	EXPECT_SYNC(m, 0, 2);
	EXPECT_EQ(pthread_create(&thread, NULL, nmi_later, m), 0);
	EXPECT_SYNC(m, 0, 3);
	pthread_join(thread, NULL);
	EXPECT_EQ(pthread_create(&thread, NULL, nmi_later, m), 0);
	EXPECT_PASS(m, 0);
}

TEST(interrupt_shadow)
{
	struct machine *m = machine_create(1);

	vcpu_start_main(m, 0, "shadow");
	EXPECT_SYNC(m, 0, 1);
	EXPECT_PASS(m, 0);
}

TEST(triple_fault)
{
	struct machine *m = machine_create(1);
	struct vm_exit exit;

	vcpu_start_main(m, 0, "triple_fault");
	exit = EXPECT_EXIT(m, 0, VM_EXITCODE_SUSPENDED);
	EXPECT_EQ(exit.u.suspended.how, VM_SUSPEND_TRIPLEFAULT);
	EXPECT_EQ(exit.inst_length, 0);
	EXPECT_EQ(vcpu_run_once(m, 0, &exit), EINVAL);
	EXPECT_ERRNO(vm_suspend(m->ctx, VM_SUSPEND_HALT), EALREADY);
}

TEST(double_fault)
{
	struct machine *m = machine_create(1);

	vcpu_start_main(m, 0, "double_fault");
	EXPECT_PASS(m, 0);
	EXPECT_EQ(m->value_count, 2);
	EXPECT_EQ(m->values[0], 8);
	EXPECT_EQ(m->values[1], 0);
}

TEST(exceptions_in_guest)
{
	struct machine *m = machine_create(1);

	vcpu_start_main(m, 0, "exceptions");
	EXPECT_PASS(m, 0);
}

/* Known from other hypervisors as the end of the machine. */
TEST(icebp_in_guest)
{
	struct machine *m = machine_create(1);

	if (host_is_tcg())
		test_skip("QEMU's processor does not know ICEBP");
	vcpu_start_main(m, 0, "icebp");
	EXPECT_PASS(m, 0);
	EXPECT_EQ(m->values[0], guest_symbol("icebp_next"));
}

/* With BPT_EXIT the host sees INT3, and may give it back to the guest. */
TEST(breakpoint_exit)
{
	struct machine *m = machine_create(1);
	struct vm_exit exit;
	int on;

	if (host_is_tcg())
		test_skip("QEMU's processor does not intercept INT3");
	vcpu_start_main(m, 0, "breakpoint");
	OK(vm_get_capability(m->vcpu[0], VM_CAP_BPT_EXIT, &on));
	EXPECT_EQ(on, 0);
	OK(vm_set_capability(m->vcpu[0], VM_CAP_BPT_EXIT, 1));
	exit = EXPECT_EXIT(m, 0, VM_EXITCODE_BPT);
	EXPECT_EQ(exit.rip, guest_symbol("bp_insn"));
	EXPECT_EQ(exit.inst_length, 0);
	EXPECT_EQ(exit.u.bpt.inst_length, 1);
	OK(vm_set_register(m->vcpu[0], VM_REG_GUEST_ENTRY_INST_LENGTH, 1));
	OK(vm_inject_exception(m->vcpu[0], 3, 0, 0, 0));
	EXPECT_PASS(m, 0);
	/* Off: it never comes here. */
	OK(vm_set_capability(m->vcpu[0], VM_CAP_BPT_EXIT, 0));
	vcpu_start_main(m, 0, "breakpoint");
	EXPECT_PASS(m, 0);
	EXPECT_EQ(m->values[m->value_count - 1], guest_symbol("bp_insn") + 1);
}

/* E-09: the delivery of an event takes nested faults; it comes once, neither lost nor twice. */
TEST(e09_delivery_faults)
{
	struct machine *m = machine_create(1);

	vcpu_start_main(m, 0, "delivery_faults");
	EXPECT_SYNC(m, 0, 1);
	memcpy(m->mem + FAR_IDT_GPA, m->mem + guest_symbol("guest_idt"), 4096);
	for (int i = 0; i < 10; i++) {
		EXPECT_SYNC(m, 0, 2);
		OK(vm_munmap_memseg(m->ctx, 0, MEMORY_BYTES));
		OK(vm_mmap_memseg(m->ctx, 0, VM_SYSMEM, 0, MEMORY_BYTES, VM_PROT_ALL));
		OK(vm_lapic_irq(m->vcpu[0], 0x40));
	}
	EXPECT_PASS(m, 0);
}

#endif
