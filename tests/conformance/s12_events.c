// SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
/* Sections 12 and 13: events and capabilities. */
#include <sys/ioctl.h>

#include "harness.h"

#define IDT_GPA		0xb000u
#define STUBS_GPA	0xc000u
#define PORT_VECTOR	0x91

SNIPPET(spin_out, 64, "out %al, $0x80; nop; nop; jmp .");

/* An IDT whose handlers say their vector on PORT_VECTOR. The stack tells the rest. */
static void idt_place(struct machine *m, int id)
{
	for (uint32_t vector = 0; vector < 256; vector++) {
		uint32_t stub = STUBS_GPA + vector * 4;
		uint64_t *gate = (uint64_t *)(m->mem + IDT_GPA) + 2 * vector;

		gate[0] = (stub & 0xffff) | (uint64_t)SEL_CODE64 << 16 | 0x8e00ull << 32 | (uint64_t)(stub >> 16) << 48;
		gate[1] = 0;
		memcpy(m->mem + stub, (uint8_t[]){ 0xb0, (uint8_t)vector, 0xe6, PORT_VECTOR }, 4);
	}
	OK(vm_set_desc(m->vcpu[id], VM_REG_GUEST_IDTR, IDT_GPA, 256 * 16 - 1, 0));
}

/* Runs to a handler; returns its vector. The stack has room for an error code or has none. */
static int expect_handler(struct machine *m, bool error_code, uint64_t error)
{
	struct vm_exit exit = EXPECT_EXIT(m, 0, VM_EXITCODE_INOUT);
	uint64_t rsp = reg_get(m, 0, VM_REG_GUEST_RSP), *stack = (uint64_t *)(m->mem + rsp);

	EXPECT_EQ(exit.u.inout.port, PORT_VECTOR);
	EXPECT_EQ((STACK_TOP(0) - rsp) / 8, error_code ? 6 : 5);
	if (error_code)
		EXPECT_EQ(stack[0], error);
	return (int)(exit.u.inout.eax & 0xff);
}

static void restart(struct machine *m, int id)
{
	snippet_start(m, id, &spin_out);
	idt_place(m, id);
	EXPECT_EQ(EXPECT_EXIT(m, id, VM_EXITCODE_INOUT).u.inout.port, 0x80);
}

static bool has_error_code(int vector)
{
	return vector == 8 || (vector >= 10 && vector <= 14) || vector == 17;
}

static bool contributory(int vector)
{
	return vector == 0 || (vector >= 10 && vector <= 13);
}

/* What becomes of an interrupted event and an exception: the table of section 12. */
TEST(s12_merging)
{
	static const int vectors[] = { 0, 5, 6, 10, 11, 12, 13, 14, 20 };
	struct machine *m = machine_create(1);

	for (unsigned int i = 0; i < sizeof(vectors) / sizeof(vectors[0]); i++) {
		for (unsigned int j = 0; j < sizeof(vectors) / sizeof(vectors[0]); j++) {
			int first = vectors[i], second = vectors[j];
			bool first_pf = first == 14 || first == 20, second_pf = second == 14 || second == 20;
			bool merges = (contributory(first) && contributory(second)) || (first_pf && (contributory(second) || second_pf));
			int want = merges ? 8 : second;

			/* Whether a processor gives vector 20 an error code when it is injected is its own affair. */
			if (want == 20)
				continue;
			restart(m, 0);
			OK(vm_set_intinfo(m->vcpu[0], VM_INTINFO_VALID | VM_INTINFO_HWEXCEPTION | (uint64_t)first |
					  (has_error_code(first) ? VM_INTINFO_DEL_ERRCODE | 0x77ull << 32 : 0)));
			OK(vm_inject_exception(m->vcpu[0], second, has_error_code(second), 0x1234, 0));
			test_step("%d, then %d", first, second);
			EXPECT_EQ(expect_handler(m, has_error_code(want), merges ? 0 : 0x1234), want);
		}
	}
}

/* Benign ones: interrupts and NMI are dropped for the exception that came after. */
TEST(s12_merging_with_interrupts)
{
	static const uint64_t first[] = { VM_INTINFO_HWINTR | 0x40, VM_INTINFO_NMI | 2, VM_INTINFO_SWINTR | 0x80 };
	struct machine *m = machine_create(1);

	for (unsigned int i = 0; i < 3; i++) {
		restart(m, 0);
		OK(vm_set_intinfo(m->vcpu[0], VM_INTINFO_VALID | first[i]));
		OK(vm_inject_exception(m->vcpu[0], 13, 1, 0x10, 0));
		EXPECT_EQ(expect_handler(m, true, 0x10), 13);
	}
	/* Alone it is delivered again. Intel's processors want IF for that, and what has interrupted the guest had it. */
	restart(m, 0);
	reg_set(m, 0, VM_REG_GUEST_RFLAGS, 0x202);
	OK(vm_set_intinfo(m->vcpu[0], VM_INTINFO_VALID | VM_INTINFO_HWINTR | 0x40));
	EXPECT_EQ(expect_handler(m, false, 0), 0x40);
	restart(m, 0);
	OK(vm_set_intinfo(m->vcpu[0], VM_INTINFO_VALID | VM_INTINFO_HWEXCEPTION | VM_INTINFO_DEL_ERRCODE | 14 | 2ull << 32));
	EXPECT_EQ(expect_handler(m, true, 2), 14);
}

/* In real mode there are no error codes: the wish for one is dropped. */
SNIPPET(real_spin, 16, "jmp .");

TEST(s12_no_error_code_in_real_mode)
{
	struct machine *m = machine_create(1);
	uint64_t info1, info2;

	snippet_start(m, 0, &real_spin);
	OK(vm_inject_exception(m->vcpu[0], 13, 1, 0x1234, 0));
	OK(vm_get_intinfo(m->vcpu[0], &info1, &info2));
	EXPECT_EQ(info2 & ~(0xffffffffull << 32), VM_INTINFO_VALID | VM_INTINFO_HWEXCEPTION | 13);
}

/* One exception at a time; a second is EBUSY and leaves the first. The interrupt shadow is gone with the first. */
TEST(s12_one_exception_at_a_time)
{
	struct machine *m = machine_create(1);
	uint64_t info1, info2, before;

	restart(m, 0);
	OK(vm_inject_exception(m->vcpu[0], 6, 0, 0, 0));
	OK(vm_get_intinfo(m->vcpu[0], &info1, &before));
	for (int vector = 0; vector < 32; vector++)
		EXPECT_ERRNO(vm_inject_exception(m->vcpu[0], vector, 0, 0, 1), vector == 8 ? EINVAL : EBUSY);
	OK(vm_get_intinfo(m->vcpu[0], &info1, &info2));
	EXPECT_EQ(info2, before);
	EXPECT_EQ(expect_handler(m, false, 0), 6);
	EXPECT_EQ(reg_get(m, 0, VM_REG_GUEST_INTR_SHADOW), 0);
}

/* Section 9: an injection with restart runs the instruction again, also if it is refused? It is not: refused is refused. */
TEST(s12_refused_injection_restarts_nothing)
{
	struct machine *m = machine_create(1);
	struct vm_exit exit;

	snippet_start(m, 0, &spin_out);
	idt_place(m, 0);
	EXPECT_EXIT(m, 0, VM_EXITCODE_INOUT);
	EXPECT_ERRNO(vm_inject_exception(m->vcpu[0], 8, 0, 0, 1), EINVAL);
	OK(vm_suspend_cpu(m->vcpu[0]));
	exit = EXPECT_EXIT(m, 0, VM_EXITCODE_DEBUG);
	EXPECT_EQ(exit.rip, CODE_GPA + 2);
}

/* An APIC that software has disabled drops interrupts: LAPIC_IRQ, MSI, and a pin of the I/O APIC. */
SNIPPET(sti_spin, 64, "sti; out %al, $0x80; nop; nop; out %al, $0x82; jmp .");

TEST(s12_disabled_apic_drops)
{
	struct machine *m = machine_create(1);

	snippet_start(m, 0, &sti_spin);
	idt_place(m, 0);
	EXPECT_EQ(EXPECT_EXIT(m, 0, VM_EXITCODE_INOUT).u.inout.port, 0x80);
	OK(vm_lapic_irq(m->vcpu[0], 0x55));
	OK(vm_lapic_msi(m->ctx, 0xfee00000, 0x56));
	EXPECT_EQ(EXPECT_EXIT(m, 0, VM_EXITCODE_INOUT).u.inout.port, 0x82);
}

static void apic_enable(struct machine *m, int id)
{
	uint64_t val = 0x1ff;

	OK(vm_readwrite_kernemu_device(m->vcpu[id], 0xfee000f0, true, 4, &val));
}

/* Destinations of an MSI: physical unless both hint and mode are set, then logical. */
TEST(s12_msi_destinations)
{
	static const struct { uint64_t addr; unsigned int targets; } cases[] = {
		{ 0xfee00000, 1 }, { 0xfee01000, 2 }, { 0xfee02000, 4 }, { 0xfee0200c, 0 /* lowest priority below */ }, { 0xfee02004, 4 },
		{ 0xfee02008, 4 }, { 0xfeeff000, 7 }, { 0xfee07000, 0 },
	};
	struct machine *m = machine_create(3);
	uint64_t val;

	for (int id = 0; id < 3; id++) {
		apic_enable(m, id);
		val = 1ull << (24 + id);
		OK(vm_readwrite_kernemu_device(m->vcpu[id], 0xfee000d0, true, 4, &val));	/* flat LDR */
	}
	for (unsigned int i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		uint64_t vector = 0x40 + i;
		unsigned int got = 0;

		OK(vm_lapic_msi(m->ctx, cases[i].addr, vector));
		for (int id = 0; id < 3; id++) {
			OK(vm_readwrite_kernemu_device(m->vcpu[id], 0xfee00200 + vector / 32 * 16, false, 4, &val));
			got |= (unsigned int)(val >> (vector % 32) & 1) << id;
		}
		/* Logical 2 is vCPU 1. */
		if ((cases[i].addr & 0xc) == 0xc)
			EXPECT_EQ(got, 2);
		else
			EXPECT_EQ(got, cases[i].targets);
	}
}

/* While MASK_HWINTR is set no event is injected at all; then all of them are. */
TEST(s13_mask_hwintr)
{
	struct machine *m = machine_create(1);

	snippet_start(m, 0, &sti_spin);
	idt_place(m, 0);
	apic_enable(m, 0);
	EXPECT_EQ(EXPECT_EXIT(m, 0, VM_EXITCODE_INOUT).u.inout.port, 0x80);
	OK(vm_set_capability(m->vcpu[0], VM_CAP_MASK_HWINTR, 1));
	OK(vm_lapic_irq(m->vcpu[0], 0x55));
	OK(vm_inject_nmi(m->vcpu[0]));
	EXPECT_EQ(EXPECT_EXIT(m, 0, VM_EXITCODE_INOUT).u.inout.port, 0x82);
	OK(vm_set_capability(m->vcpu[0], VM_CAP_MASK_HWINTR, 0));
	EXPECT_EQ(expect_handler(m, false, 0), 2);	/* the NMI comes first */
}

/* Scope: the vCPU that was named, whatever allcpus says. */
TEST(s13_allcpus_is_ignored)
{
	struct machine *m = machine_create(3);
	struct vm_capability cap = { .cpuid = 1, .captype = VM_CAP_PAUSE_EXIT, .capval = 1, .allcpus = 1 };
	int val;

	OK(ioctl(vm_get_device_fd(m->ctx), VM_SET_CAPABILITY, &cap));
	for (int id = 0; id < 3; id++) {
		OK(vm_get_capability(m->vcpu[id], VM_CAP_PAUSE_EXIT, &val));
		EXPECT_EQ(val, id == 1);
	}
}

/* Which capabilities there are depends on the processor, and what they answer is one of two things. */
TEST(s13_present_or_enoent)
{
	struct machine *m = machine_create(1);
	int val;

	for (int cap = 0; cap < VM_CAP_MAX; cap++) {
		if (vm_get_capability(m->vcpu[0], (enum vm_cap_type)cap, &val) == 0)
			EXPECT(val == 0 || val == 1);
		else
			EXPECT_EQ(errno, ENOENT);
	}
	/* Every backend has these. */
	OK(vm_get_capability(m->vcpu[0], VM_CAP_UNRESTRICTED_GUEST, &val));
	EXPECT_EQ(val, 1);
	OK(vm_get_capability(m->vcpu[0], VM_CAP_BPT_EXIT, &val));
	OK(vm_get_capability(m->vcpu[0], VM_CAP_IPI_EXIT, &val));
	OK(vm_set_capability(m->vcpu[0], VM_CAP_MASK_HWINTR, 0));
}

/* What a debugger steps with: MTRAP_EXIT, or RFLAGS_TF where that is not there. */
SNIPPET(stepped, 64, "nop; mov $5, %eax; push %rbx; pop %rbx; lea 3(%rax), %ecx; out %al, $0x80");

TEST(s13_single_step)
{
	static const uint64_t at[] = { 1, 6, 7, 8, 11 };
	struct machine *m = machine_create(1);
	enum vm_cap_type cap = VM_CAP_MTRAP_EXIT;
	struct vm_exit exit;

	snippet_start(m, 0, &stepped);
	if (vm_set_capability(m->vcpu[0], cap, 1) != 0) {
		EXPECT_EQ(errno, ENOENT);
		cap = VM_CAP_RFLAGS_TF;
		if (vm_set_capability(m->vcpu[0], cap, 1) != 0) {
			EXPECT_EQ(errno, ENOENT);
			EXPECT(!host_is_amd());
			test_skip("the processor has no monitor trap flag");
		}
	}
	for (unsigned int i = 0; i < sizeof(at) / sizeof(at[0]); i++) {
		exit = EXPECT_EXIT(m, 0, cap == VM_CAP_MTRAP_EXIT ? VM_EXITCODE_MTRAP : VM_EXITCODE_DB);
		EXPECT_EQ(exit.inst_length, 0);
		EXPECT_EQ(exit.rip, CODE_GPA + at[i]);
		if (cap == VM_CAP_RFLAGS_TF)
			EXPECT_EQ(exit.u.dbg.trace_trap, 1);
	}
	OK(vm_set_capability(m->vcpu[0], cap, 0));
	EXPECT_EXIT(m, 0, VM_EXITCODE_INOUT);
	EXPECT_EQ(reg_get(m, 0, VM_REG_GUEST_RCX), 8);
	EXPECT_EQ(reg_get(m, 0, VM_REG_GUEST_RFLAGS) & 0x100, 0);
}

/* The guest does not see the flag that was borrowed for that: neither pushed, nor after a POPF. */
SNIPPET(stepped_flags, 64, "pushf; pop %rbx; pushf; popf; nop; pushf; pop %rcx; out %al, $0x80");

TEST(s13_borrowed_flag_is_hidden)
{
	struct machine *m = machine_create(1);
	struct vm_exit exit;
	int steps = 0;

	snippet_start(m, 0, &stepped_flags);
	if (vm_set_capability(m->vcpu[0], VM_CAP_RFLAGS_TF, 1) != 0) {
		EXPECT_EQ(errno, ENOENT);
		return;
	}
	for (;; steps++) {
		EXPECT_EQ(vcpu_run(m, 0, &exit), GUEST_EXIT);
		if (exit.exitcode == VM_EXITCODE_INOUT)
			break;
		EXPECT_EQ(exit.exitcode, VM_EXITCODE_DB);
	}
	EXPECT_EQ(steps, 7);
	EXPECT_EQ(reg_get(m, 0, VM_REG_GUEST_RBX) & 0x100, 0);
	EXPECT_EQ(reg_get(m, 0, VM_REG_GUEST_RCX) & 0x100, 0);
}

static uint64_t apic_get(struct machine *m, int id, uint64_t offset)
{
	uint64_t val = 0;

	OK(vm_readwrite_kernemu_device(m->vcpu[id], 0xfee00000 + offset, false, 4, &val));
	return val;
}

static void apic_set(struct machine *m, int id, uint64_t offset, uint64_t val)
{
	OK(vm_readwrite_kernemu_device(m->vcpu[id], 0xfee00000 + offset, true, 4, &val));
}

static bool irr_has(struct machine *m, int id, unsigned int vector)
{
	return apic_get(m, id, 0x200 + vector / 32 * 16) >> (vector % 32) & 1;
}

/* VM_LAPIC_LOCAL_IRQ: what an entry of the local vector table says is done, on one vCPU or on all active ones. */
TEST(s12_local_irq)
{
	struct machine *m = machine_create(3);
	struct vcpu *absent = vm_vcpu_open(m->ctx, 3);
	struct vm_lapic_irq all = { .cpuid = -1, .vector = APIC_LVT_TIMER };

	m->vcpu[3] = absent;
	for (int id = 0; id < 4; id++) {
		apic_enable(m, id);
		apic_set(m, id, 0x320, 0x61);				/* timer */
		apic_set(m, id, 0x370, 0x10062);			/* error: masked */
		apic_set(m, id, 0x350, 0x63);				/* LINT0: fixed */
	}
	OK(vm_lapic_local_irq(m->vcpu[1], APIC_LVT_LINT0));
	EXPECT(irr_has(m, 1, 0x63) && !irr_has(m, 0, 0x63));
	OK(vm_lapic_local_irq(m->vcpu[1], APIC_LVT_ERROR));
	EXPECT(!irr_has(m, 1, 0x62));
	OK(ioctl(vm_get_device_fd(m->ctx), VM_LAPIC_LOCAL_IRQ, &all));
	EXPECT(irr_has(m, 0, 0x61) && irr_has(m, 1, 0x61) && irr_has(m, 2, 0x61));
	EXPECT(!irr_has(m, 3, 0x61));					/* not active */
	EXPECT_ERRNO(vm_lapic_local_irq(m->vcpu[0], APIC_LVT_CMCI + 1), EINVAL);
	EXPECT_ERRNO(vm_lapic_local_irq(m->vcpu[0], -1), EINVAL);
	EXPECT_ERRNO(vm_lapic_local_irq(m->vcpu[0], 0x7fffffff), EINVAL);
	/* A vector below 16 is an APIC error: received illegal vector. */
	apic_set(m, 0, 0x320, 0x0f);
	OK(vm_lapic_local_irq(m->vcpu[0], APIC_LVT_TIMER));
	apic_set(m, 0, 0x280, 0);
	EXPECT_EQ(apic_get(m, 0, 0x280) & 0x40, 0x40);
}

/* With the APIC off, LINT1 is NMI. */
TEST(s12_local_irq_of_a_disabled_apic)
{
	struct machine *m = machine_create(1);

	restart(m, 0);
	OK(vm_lapic_local_irq(m->vcpu[0], APIC_LVT_TIMER));
	OK(vm_lapic_local_irq(m->vcpu[0], APIC_LVT_LINT1));
	EXPECT_EQ(expect_handler(m, false, 0), 2);
}

/* An NMI keeps those of its own vCPU waiting, until IRET, and no others: also where one processor runs both. */
TEST(s12_nmi_blocking_is_the_vcpus_own)
{
	struct machine *m = machine_create(2);
	struct vm_exit exit;
	uint64_t rsp;

	pin_to_cpu(0);
	restart(m, 0);
	OK(vm_inject_nmi(m->vcpu[0]));
	EXPECT_EQ(expect_handler(m, false, 0), 2);
	rsp = reg_get(m, 0, VM_REG_GUEST_RSP);
	restart(m, 1);
	OK(vm_inject_nmi(m->vcpu[1]));
	exit = EXPECT_EXIT(m, 1, VM_EXITCODE_INOUT);
	EXPECT_EQ(exit.u.inout.port, PORT_VECTOR);
	EXPECT_EQ(exit.u.inout.eax & 0xff, 2);
	/* vCPU 0 is in its handler still, and goes from there into the one that lies behind. */
	OK(vm_inject_nmi(m->vcpu[0]));
	exit = EXPECT_EXIT(m, 0, VM_EXITCODE_INOUT);
	EXPECT_EQ(exit.u.inout.eax & 0xff, 3);
	EXPECT_EQ(reg_get(m, 0, VM_REG_GUEST_RSP), rsp);
}

/* VM_ISA_ASSERT_IRQ and _DEASSERT_IRQ reach the I/O APIC's pin and are counted there: a level pin fires once, and again after EOI while it is high. */
TEST(s15_isa_lines_are_counted)
{
	struct machine *m = machine_create(1);
	uint64_t val;

	apic_enable(m, 0);
	val = 0x10 + 2 * 9;
	OK(vm_readwrite_kernemu_device(m->vcpu[0], 0xfec00000, true, 4, &val));
	val = 0x8050;							/* level, vector 0x50 */
	OK(vm_readwrite_kernemu_device(m->vcpu[0], 0xfec00010, true, 4, &val));
	OK(vm_isa_assert_irq(m->ctx, 9, 9));
	EXPECT(irr_has(m, 0, 0x50));
	OK(vm_readwrite_kernemu_device(m->vcpu[0], 0xfec00010, false, 4, &val));
	EXPECT_EQ(val & 0x4000, 0x4000);				/* remote IRR */
	OK(vm_isa_assert_irq(m->ctx, 9, 9));
	OK(vm_isa_deassert_irq(m->ctx, 9, 9));
	/* Asserted once still; then not at all, and below zero, which is no error. */
	OK(vm_isa_deassert_irq(m->ctx, 9, 9));
	OK(vm_isa_deassert_irq(m->ctx, 9, 9));
	OK(vm_readwrite_kernemu_device(m->vcpu[0], 0xfec00010, false, 4, &val));
	EXPECT_EQ(val & 0x4000, 0x4000);				/* until EOI */
}
