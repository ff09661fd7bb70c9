// SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
/*
 * exit: what neutral code does with each exit, and what of it reaches user space (semantics.md 8,
 * 9, 11, 15, 23).
 */
#include <kunit/test.h>
#include <linux/bits.h>
#include <linux/kernel.h>
#include <linux/sizes.h>
#include <asm/msr.h>
#include <asm/msr-index.h>
#include <asm/processor-flags.h>
#include "dev/vioapic.h"
#include "dev/vlapic.h"
#include "fake_vm.h"

#define FAULT(vector)		(VM_INTINFO_VALID | VM_INTINFO_HWEXCEPTION | (vector))
#define FAULT_ERROR(vector)	(FAULT(vector) | VM_INTINFO_DEL_ERRCODE)
#define RAX_BEFORE		0x1122334455667788ULL

static u64 reg(struct vcpu *vcpu, int reg)
{
	u64 val = 0xdead;

	vcpu_reg_get(vcpu, reg, &val);
	return val;
}

/* The exit went to user space as it came, and the guest resumes behind the instruction. */
static void expect_user(struct kunit *test, struct vcpu *vcpu, int code, int want, int length)
{
	KUNIT_EXPECT_EQ(test, code, want);
	KUNIT_EXPECT_EQ(test, vcpu->exit.rip, 0x1000);
	KUNIT_EXPECT_EQ(test, vcpu->exit.inst_length, length);
	KUNIT_EXPECT_EQ(test, vcpu->nextrip, 0x1000 + length);
}

/* The exit was settled; the guest was entered again at @rip with @event. */
static void expect_settled(struct kunit *test, struct vcpu *vcpu, int code, u64 rip, u64 event)
{
	KUNIT_EXPECT_EQ(test, code, VM_EXITCODE_PAUSE);
	KUNIT_EXPECT_EQ(test, to_fake(vcpu)->nentries, 2);
	KUNIT_EXPECT_EQ(test, fake_last_entry(vcpu)->rip, rip);
	KUNIT_EXPECT_EQ(test, fake_last_entry(vcpu)->event, event);
}

/* --- codes without a rule of their own ----------------------------------------------- */

static void exit_passes_to_user_space(struct kunit *test)
{
	static const unsigned int codes[] = {
		VM_EXITCODE_VMX, VM_EXITCODE_SVM, VM_EXITCODE_MTRAP, VM_EXITCODE_PAUSE,
		VM_EXITCODE_INOUT_STR, VM_EXITCODE_TASK_SWITCH, VM_EXITCODE_BPT, VM_EXITCODE_DB,
	};
	struct vcpu *vcpu = fake_vcpu_held(test, 0);
	int i;

	for (i = 0; i < ARRAY_SIZE(codes); i++) {
		FAKE_SCRIPT(vcpu, FAKE_NEUTRAL(codes[i], 3, .rip = 0x1000));
		expect_user(test, vcpu, fake_run_once(vcpu), codes[i], 3);
		KUNIT_EXPECT_EQ(test, to_fake(vcpu)->nentries, 1);
	}
}

/* MONITOR, MWAIT and the vendor's own instructions are not there. */
static void exit_turns_into_ud(struct kunit *test)
{
	static const unsigned int codes[] = {
		VM_EXITCODE_MONITOR, VM_EXITCODE_MWAIT, VM_EXITCODE_VMINSN,
	};
	struct vcpu *vcpu = fake_vcpu_held(test, 0);
	int i;

	for (i = 0; i < ARRAY_SIZE(codes); i++) {
		FAKE_SCRIPT(vcpu, FAKE_NEUTRAL(codes[i], 3, .rip = 0x1000), FAKE_END);
		expect_settled(test, vcpu, fake_run_once(vcpu), 0x1000, FAULT(6));
	}
}

/* --- ports --------------------------------------------------------------------------- */

#define TEST_PORT	0x4f0	/* no chip has it */

static u32 port_written, port_shows;
static int port_answers, port_calls;

static int test_port(void *chip, bool in, u16 port, int bytes, u32 *val)
{
	port_calls++;
	if (in)
		*val = port_shows;
	else
		port_written = *val;
	return port_answers;
}

static struct vcpu *port_setup(struct kunit *test)
{
	struct vcpu *vcpu = fake_vcpu_held(test, 0);

	bus_port_register(&vcpu->vm->bus, TEST_PORT, 4, test_port, NULL);
	port_answers = 0;
	port_calls = 0;
	return vcpu;
}

#define PORT_EXIT(port_, bytes_, in_)								\
	FAKE_NEUTRAL(VM_EXITCODE_INOUT, 2, .rip = 0x1000,					\
		     .u.inout = { .bytes = (bytes_), .in = (in_), .port = (port_),		\
				  .eax = (u32)RAX_BEFORE })

/* What the guest asked for is in the record as it was. */
static void inout_without_chip_is_user_spaces(struct kunit *test)
{
	static const u16 ports[] = { 0x80, 0x3f8, TEST_PORT - 1, BUS_PORTS, 0xcf8, 0xffff };
	struct vcpu *vcpu = port_setup(test);
	int i, bytes, in;

	for (i = 0; i < ARRAY_SIZE(ports) * 6; i++) {
		bytes = 1 << i % 3;
		in = i / 3 % 2;
		FAKE_SCRIPT(vcpu, PORT_EXIT(ports[i / 6], bytes, in));
		expect_user(test, vcpu, fake_run_once(vcpu), VM_EXITCODE_INOUT, 2);
		KUNIT_EXPECT_EQ(test, vcpu->exit.u.inout.port, ports[i / 6]);
		KUNIT_EXPECT_EQ(test, (int)vcpu->exit.u.inout.bytes, bytes);
		KUNIT_EXPECT_EQ(test, (int)vcpu->exit.u.inout.in, in);
		KUNIT_EXPECT_EQ(test, vcpu->exit.u.inout.eax, (u32)RAX_BEFORE);
	}
	KUNIT_EXPECT_EQ(test, port_calls, 0);
}

static void inout_in_merges_into_rax(struct kunit *test)
{
	static const struct { int bytes; u64 rax; } want[] = {
		{ 1, 0x11223344556677efULL }, { 2, 0x112233445566beefULL }, { 4, 0xdeadbeefULL },
	};
	struct vcpu *vcpu = port_setup(test);
	int i;

	for (i = 0; i < ARRAY_SIZE(want); i++) {
		FAKE_SCRIPT(vcpu, PORT_EXIT(TEST_PORT, want[i].bytes, 1), FAKE_END);
		vcpu->gpr[GPR_RAX] = RAX_BEFORE;
		port_shows = 0xdeadbeef;
		expect_settled(test, vcpu, fake_run_once(vcpu), 0x1002, 0);
		KUNIT_EXPECT_EQ(test, reg(vcpu, VM_REG_GUEST_RAX), want[i].rax);
	}
	KUNIT_EXPECT_EQ(test, port_calls, 3);
}

static void inout_out_leaves_rax_alone(struct kunit *test)
{
	struct vcpu *vcpu = port_setup(test);

	FAKE_SCRIPT(vcpu, PORT_EXIT(TEST_PORT + 3, 1, 0), FAKE_END);
	vcpu->gpr[GPR_RAX] = RAX_BEFORE;
	expect_settled(test, vcpu, fake_run_once(vcpu), 0x1002, 0);
	KUNIT_EXPECT_EQ(test, (u8)port_written, (u8)RAX_BEFORE);
	KUNIT_EXPECT_EQ(test, reg(vcpu, VM_REG_GUEST_RAX), RAX_BEFORE);
}

static void inout_refused_fails_vm_run(struct kunit *test)
{
	struct vcpu *vcpu = port_setup(test);

	port_answers = -EIO;
	FAKE_SCRIPT(vcpu, PORT_EXIT(TEST_PORT, 1, 1));
	KUNIT_EXPECT_EQ(test, fake_run_once(vcpu), -EIO);
	/* The PM timer is 32 bits wide and read-only. */
	FAKE_SCRIPT(vcpu, PORT_EXIT(0x408, 2, 1));
	KUNIT_EXPECT_EQ(test, fake_run_once(vcpu), -EIO);
	FAKE_SCRIPT(vcpu, PORT_EXIT(0x408, 4, 0));
	KUNIT_EXPECT_EQ(test, fake_run_once(vcpu), -EIO);
}

/* Ports of the board, by semantics.md section 15, reach their chips. */
static void inout_reaches_the_board(struct kunit *test)
{
	static const struct { u16 port; int bytes; } ports[] = {
		{ 0x20, 1 }, { 0x21, 1 }, { 0xa0, 1 }, { 0xa1, 1 }, { 0x4d0, 1 }, { 0x4d1, 1 },
		{ 0x40, 1 }, { 0x41, 1 }, { 0x42, 1 }, { 0x61, 1 }, { 0x71, 1 }, { 0x408, 4 },
	};
	struct vcpu *vcpu = fake_vcpu_held(test, 0);
	int i;

	for (i = 0; i < ARRAY_SIZE(ports); i++) {
		FAKE_SCRIPT(vcpu, PORT_EXIT(ports[i].port, ports[i].bytes, 1), FAKE_END);
		KUNIT_EXPECT_EQ_MSG(test, fake_run_once(vcpu), VM_EXITCODE_PAUSE, "port 0x%x",
				    ports[i].port);
	}
}

/* --- MSRs ---------------------------------------------------------------------------- */

#define RDMSR(number)										\
	FAKE_NEUTRAL(VM_EXITCODE_RDMSR, 2, .rip = 0x1000, .u.msr = { .code = (number) })
#define WRMSR(number, val)									\
	FAKE_NEUTRAL(VM_EXITCODE_WRMSR, 2, .rip = 0x1000,					\
		     .u.msr = { .code = (number), .wval = (val) })
#define NO_MSR			0x4b564d00	/* nobody emulates it */

static void msr_unknown_is_user_spaces(struct kunit *test)
{
	struct vcpu *vcpu = fake_vcpu_held(test, 0);

	FAKE_SCRIPT(vcpu, RDMSR(NO_MSR));
	expect_user(test, vcpu, fake_run_once(vcpu), VM_EXITCODE_RDMSR, 2);
	KUNIT_EXPECT_EQ(test, vcpu->exit.u.msr.code, NO_MSR);
	FAKE_SCRIPT(vcpu, WRMSR(NO_MSR, 0x123456789abcdef0ULL));
	expect_user(test, vcpu, fake_run_once(vcpu), VM_EXITCODE_WRMSR, 2);
	KUNIT_EXPECT_EQ(test, vcpu->exit.u.msr.code, NO_MSR);
	KUNIT_EXPECT_EQ(test, vcpu->exit.u.msr.wval, 0x123456789abcdef0ULL);
}

static u64 edx_eax(struct vcpu *vcpu)
{
	return vcpu->gpr[GPR_RDX] << 32 | (u32)vcpu->gpr[GPR_RAX];
}

/* Upper halves of RAX and RDX are cleared, the value is split. */
static void msr_read_fills_edx_eax(struct kunit *test)
{
	struct vcpu *vcpu = fake_vcpu_held(test, 0);

	FAKE_SCRIPT(vcpu, WRMSR(MSR_IA32_CR_PAT, 0x0706050400010406ULL), RDMSR(MSR_IA32_CR_PAT),
		    FAKE_END);
	vcpu->gpr[GPR_RAX] = ~0ULL;
	vcpu->gpr[GPR_RDX] = ~0ULL;
	KUNIT_EXPECT_EQ(test, fake_run_once(vcpu), VM_EXITCODE_PAUSE);
	KUNIT_EXPECT_EQ(test, vcpu->gpr[GPR_RAX], 0x00010406ULL);
	KUNIT_EXPECT_EQ(test, vcpu->gpr[GPR_RDX], 0x07060504ULL);
	KUNIT_EXPECT_EQ(test, fake_last_entry(vcpu)->rip, 0x1002);
}

static void msr_bad_value_is_gp(struct kunit *test)
{
	static const struct { u32 msr; u64 val; } bad[] = {
		{ MSR_MTRRcap, 0 }, { MSR_IA32_CR_PAT, 2 }, { MSR_MTRRdefType, BIT(4) },
		{ 0x200 /* first variable MTRR */, BIT_ULL(63) },
	};
	struct vcpu *vcpu = fake_vcpu_held(test, 0);
	int i;

	vcpu_reg_set(vcpu, VM_REG_GUEST_CR0, X86_CR0_PE);
	for (i = 0; i < ARRAY_SIZE(bad); i++) {
		FAKE_SCRIPT(vcpu, WRMSR(bad[i].msr, bad[i].val), FAKE_END);
		expect_settled(test, vcpu, fake_run_once(vcpu), 0x1000, FAULT_ERROR(13));
	}
	/* In real mode an exception has no error code. */
	vcpu_reg_set(vcpu, VM_REG_GUEST_CR0, 0);
	FAKE_SCRIPT(vcpu, WRMSR(MSR_MTRRcap, 0), FAKE_END);
	expect_settled(test, vcpu, fake_run_once(vcpu), 0x1000, FAULT(13));
}

static void msr_tsc_sets_the_offset(struct kunit *test)
{
	struct vcpu *vcpu = fake_vcpu_held(test, 0);
	u64 before, now;

	FAKE_SCRIPT(vcpu, WRMSR(MSR_IA32_TSC, BIT_ULL(60)), RDMSR(MSR_IA32_TSC), FAKE_END);
	before = rdtsc();
	KUNIT_EXPECT_EQ(test, fake_run_once(vcpu), VM_EXITCODE_PAUSE);
	now = edx_eax(vcpu);
	KUNIT_EXPECT_GE(test, now, BIT_ULL(60));
	KUNIT_EXPECT_LE(test, now, BIT_ULL(60) + rdtsc() - before);
	KUNIT_EXPECT_GE(test, rdtsc() + vcpu->tsc_offset, now);
	/* TSC_ADJUST has moved by as much (SDM vol. 3, 18.17.3). */
	FAKE_SCRIPT(vcpu, RDMSR(MSR_IA32_TSC_ADJUST), FAKE_END);
	KUNIT_EXPECT_EQ(test, fake_run_once(vcpu), VM_EXITCODE_PAUSE);
	KUNIT_EXPECT_EQ(test, edx_eax(vcpu), vcpu->tsc_offset);
}

static void msr_tsc_adjust_moves_the_tsc(struct kunit *test)
{
	struct vcpu *vcpu = fake_vcpu_held(test, 0);
	u64 offset = vcpu->tsc_offset;

	FAKE_SCRIPT(vcpu, WRMSR(MSR_IA32_TSC_ADJUST, 1000), WRMSR(MSR_IA32_TSC_ADJUST, (u64)-50),
		    FAKE_END);
	KUNIT_EXPECT_EQ(test, fake_run_once(vcpu), VM_EXITCODE_PAUSE);
	KUNIT_EXPECT_EQ(test, vcpu->tsc_offset, offset - 50);
}

/*
 * In xAPIC mode the x2APIC registers read 0; APIC base shows the address, and the boot processor.
 */
static void msr_apic_follows_its_mode(struct kunit *test)
{
	struct vcpu *vcpu = fake_vcpu_held(test, 0);

	FAKE_SCRIPT(vcpu, RDMSR(MSR_IA32_APICBASE), FAKE_END);
	KUNIT_EXPECT_EQ(test, fake_run_once(vcpu), VM_EXITCODE_PAUSE);
	KUNIT_EXPECT_EQ(test, edx_eax(vcpu), 0xfee00900ULL);
	FAKE_SCRIPT(vcpu, RDMSR(0x80f), FAKE_END);
	expect_settled(test, vcpu, fake_run_once(vcpu), 0x1002, 0);
	KUNIT_EXPECT_EQ(test, edx_eax(vcpu), 0);

	vlapic_set_x2apic_state(vcpu->vlapic, X2APIC_ENABLED);
	FAKE_SCRIPT(vcpu, RDMSR(0x80f), FAKE_END);
	expect_settled(test, vcpu, fake_run_once(vcpu), 0x1002, 0);
	KUNIT_EXPECT_EQ(test, edx_eax(vcpu), 0xff);
	/* A register that there is not. */
	FAKE_SCRIPT(vcpu, RDMSR(0x80e), FAKE_END);
	KUNIT_EXPECT_EQ(test, fake_run_once(vcpu), VM_EXITCODE_PAUSE);
	KUNIT_EXPECT_EQ(test, fake_last_entry(vcpu)->event & 0xff, 13);
	/* Another APIC base is user space's to judge. */
	FAKE_SCRIPT(vcpu, WRMSR(MSR_IA32_APICBASE, 0xfee00d00ULL ^ BIT(20)));
	expect_user(test, vcpu, fake_run_once(vcpu), VM_EXITCODE_WRMSR, 2);
}

/* IA32_TSC_DEADLINE arms the APIC timer in its mode, and nothing in the others. */
static void msr_tsc_deadline_is_the_apics(struct kunit *test)
{
	struct vcpu *vcpu = fake_vcpu_held(test, 0);
	u64 svr = 0x1ff, lvt = 0x40 | 2 << 17, one_shot = 0x40;

	vlapic_mmio(vcpu->vlapic, 0xf0, true, 4, &svr);
	vlapic_mmio(vcpu->vlapic, 0x320, true, 4, &lvt);
	FAKE_SCRIPT(vcpu, WRMSR(MSR_IA32_TSC_DEADLINE, BIT_ULL(62)), RDMSR(MSR_IA32_TSC_DEADLINE),
		    FAKE_END);
	KUNIT_EXPECT_EQ(test, fake_run_once(vcpu), VM_EXITCODE_PAUSE);
	KUNIT_EXPECT_EQ(test, edx_eax(vcpu), BIT_ULL(62));
	/* A deadline in the past. */
	FAKE_SCRIPT(vcpu, WRMSR(MSR_IA32_TSC_DEADLINE, 1), RDMSR(MSR_IA32_TSC_DEADLINE), FAKE_END);
	KUNIT_EXPECT_EQ(test, fake_run_once(vcpu), VM_EXITCODE_PAUSE);
	fake_clock_run(1);
	KUNIT_EXPECT_EQ(test, vlapic_pending_intr(vcpu->vlapic), 0x40);
	vlapic_mmio(vcpu->vlapic, 0x320, true, 4, &one_shot);
	FAKE_SCRIPT(vcpu, WRMSR(MSR_IA32_TSC_DEADLINE, BIT_ULL(62)), RDMSR(MSR_IA32_TSC_DEADLINE),
		    FAKE_END);
	KUNIT_EXPECT_EQ(test, fake_run_once(vcpu), VM_EXITCODE_PAUSE);
	KUNIT_EXPECT_EQ(test, edx_eax(vcpu), 0);
}

/* --- INIT and STARTUP (section 11) --------------------------------------------------- */

#define X2APIC_ICR		0x830
#define ICR(dest, mode, vec)	((u64)(dest) << 32 | (mode) | (vec))

static struct vcpu *sender(struct kunit *test, bool ipi_exit)
{
	struct vcpu *vcpu = fake_vcpu_held(test, 0);

	vlapic_set_x2apic_state(vcpu->vlapic, X2APIC_ENABLED);
	vlapic_set_ipi_exit(vcpu->vlapic, ipi_exit);
	return vcpu;
}

static void ipi_exits_when_asked_to(struct kunit *test)
{
	struct vcpu *vcpu = sender(test, true);
	struct vcpu *other = fake_vcpu(test, 2);

	FAKE_SCRIPT(vcpu, WRMSR(X2APIC_ICR, ICR(2, APIC_DELMODE_INIT | BIT(14), 0)),
		    WRMSR(X2APIC_ICR, ICR(2, APIC_DELMODE_STARTUP, 0x9a)),
		    WRMSR(X2APIC_ICR, ICR(2, APIC_DELMODE_STARTUP, 0x9a)), FAKE_END);
	expect_user(test, vcpu, fake_run_once(vcpu), VM_EXITCODE_IPI, 2);
	KUNIT_EXPECT_EQ(test, vcpu->exit.u.ipi.mode, APIC_DELMODE_INIT);
	KUNIT_EXPECT_EQ(test, vlapic_ipi(vcpu->vlapic)->targets[0], BIT(2));
	KUNIT_EXPECT_TRUE(test, test_bit(2, vcpu->vm->irq.startup));
	KUNIT_EXPECT_TRUE(test, test_bit(VCPU_REQ_INIT, &other->requests));

	expect_user(test, vcpu, fake_run_once(vcpu), VM_EXITCODE_IPI, 2);
	KUNIT_EXPECT_EQ(test, vcpu->exit.u.ipi.mode, APIC_DELMODE_STARTUP);
	KUNIT_EXPECT_EQ(test, vcpu->exit.u.ipi.vector, 0x9a);
	KUNIT_EXPECT_EQ(test, vlapic_ipi(vcpu->vlapic)->targets[0], BIT(2));
	KUNIT_EXPECT_FALSE(test, test_bit(2, vcpu->vm->irq.startup));

	/* The second STARTUP finds nobody waiting. */
	KUNIT_EXPECT_EQ(test, fake_run_once(vcpu), VM_EXITCODE_PAUSE);
}

/* Without IPI_EXIT: INIT makes no exit, STARTUP names a vCPU that need not exist yet. */
static void ipi_spins_up_an_ap(struct kunit *test)
{
	struct vcpu *vcpu = sender(test, false);

	FAKE_SCRIPT(vcpu, WRMSR(X2APIC_ICR, ICR(3, APIC_DELMODE_INIT | BIT(14), 0)),
		    WRMSR(X2APIC_ICR, ICR(3, APIC_DELMODE_STARTUP, 0x9a)), FAKE_END);
	expect_user(test, vcpu, fake_run_once(vcpu), VM_EXITCODE_SPINUP_AP, 2);
	KUNIT_EXPECT_EQ(test, to_fake(vcpu)->nentries, 2);
	KUNIT_EXPECT_EQ(test, vcpu->exit.u.spinup_ap.vcpu, 3);
	KUNIT_EXPECT_EQ(test, vcpu->exit.u.spinup_ap.rip, 0x9a000);
	KUNIT_EXPECT_NULL(test, vm_vcpu_find(vcpu->vm, 3));
}

/* --- nested faults ------------------------------------------------------------------- */

#define FAULT_AT(gpa_, type)									\
	FAKE_NEUTRAL(VM_EXITCODE_PAGING, 0, .rip = 0x1000,					\
		     .u.paging = { .gpa = (gpa_), .fault_type = (type) })

/* Real mode or flat 32-bit code at 0x1000, in 1 MiB of memory. */
static struct vcpu *code_setup(struct kunit *test, u64 cr0, const u8 *code, size_t len)
{
	struct vcpu *vcpu = fake_vcpu_held(test, 0);
	struct seg_desc flat = { .limit = 0xffffffff, .access = 0xc09b };
	int seg;

	KUNIT_ASSERT_EQ(test, fake_memory(test, 0, 0, SZ_1M, VM_PROT_ALL), 0);
	KUNIT_ASSERT_EQ(test, fake_poke(test, 0x1000, code, len), 0);
	vcpu_reg_set(vcpu, VM_REG_GUEST_CR0, cr0);
	for (seg = VM_REG_GUEST_ES; seg <= VM_REG_GUEST_GS; seg++) {
		vcpu->vm->backend->desc_set(vcpu, seg, &flat);
		flat.access = 0xc093;
	}
	flat.access = 0xc09b;
	vcpu->vm->backend->desc_set(vcpu, VM_REG_GUEST_CS, &flat);
	return vcpu;
}

static void paging_populates_memory(struct kunit *test)
{
	static const int types[] = { VM_PROT_READ, VM_PROT_WRITE, VM_PROT_EXECUTE };
	struct vcpu *vcpu = fake_vcpu_held(test, 0);
	int i;

	KUNIT_ASSERT_EQ(test, fake_memory(test, 0, 0, SZ_1M, VM_PROT_ALL), 0);
	for (i = 0; i < ARRAY_SIZE(types); i++) {
		FAKE_SCRIPT(vcpu, FAULT_AT(0x5000 * (i + 1), types[i]), FAKE_END);
		expect_settled(test, vcpu, fake_run_once(vcpu), 0x1000, 0);
	}
	KUNIT_EXPECT_EQ(test, vcpu->stats[VMEXIT_NESTED_FAULT], 3);
	KUNIT_EXPECT_EQ(test, vcpu->stats[VMEXIT_INST_EMUL], 0);
}

/* An instruction fetch from where nothing is cannot be emulated. */
static void paging_fetch_from_a_hole_is_unclaimed(struct kunit *test)
{
	struct vcpu *vcpu = fake_vcpu_held(test, 0);

	FAKE_SCRIPT(vcpu, FAULT_AT(0xd0000000, VM_PROT_EXECUTE));
	expect_user(test, vcpu, fake_run_once(vcpu), VM_EXITCODE_SVM, 0);
}

static const u8 mov_eax_from[] = { 0xa1, 0x10, 0x00, 0x00, 0xd0 };	/* mov eax, [0xd0000010] */

static void emul_leaves_devices_to_user_space(struct kunit *test)
{
	struct vcpu *vcpu = code_setup(test, X86_CR0_PE, mov_eax_from, sizeof(mov_eax_from));
	const struct vm_exit *exit = &vcpu->exit;

	FAKE_SCRIPT(vcpu, FAULT_AT(0xd0000010, VM_PROT_READ));
	expect_user(test, vcpu, fake_run_once(vcpu), VM_EXITCODE_INST_EMUL, sizeof(mov_eax_from));
	KUNIT_EXPECT_EQ(test, exit->u.inst_emul.gpa, 0xd0000010);
	KUNIT_EXPECT_EQ(test, exit->u.inst_emul.gla, ~0ULL);
	KUNIT_EXPECT_EQ(test, exit->u.inst_emul.cs_base, 0);
	KUNIT_EXPECT_EQ(test, exit->u.inst_emul.cs_d, 1);
	KUNIT_EXPECT_EQ(test, exit->u.inst_emul.paging.cpu_mode, CPU_MODE_PROTECTED);
	KUNIT_EXPECT_EQ(test, exit->u.inst_emul.paging.paging_mode, PAGING_MODE_FLAT);
	KUNIT_EXPECT_EQ(test, exit->u.inst_emul.vie.decoded, 1);
	KUNIT_EXPECT_EQ(test, exit->u.inst_emul.vie.num_processed, sizeof(mov_eax_from));
	KUNIT_EXPECT_MEMEQ(test, exit->u.inst_emul.vie.inst, mov_eax_from, sizeof(mov_eax_from));
	KUNIT_EXPECT_EQ(test, vcpu->stats[VMEXIT_INST_EMUL], 1);
}

/* What the CPU handed over is taken where it is all that an instruction may have, and only there. */
static void emul_takes_the_cpus_bytes(struct kunit *test)
{
	/* mov [0xd0000010], eax; in memory there is another instruction. */
	static const u8 bytes[VIE_INST_SIZE] = { 0xa3, 0x10, 0x00, 0x00, 0xd0 };
	struct vcpu *vcpu = code_setup(test, X86_CR0_PE, mov_eax_from, sizeof(mov_eax_from));

	memcpy(vcpu->insn_bytes, bytes, sizeof(bytes));
	vcpu->insn_count = VIE_INST_SIZE;
	FAKE_SCRIPT(vcpu, FAULT_AT(0xd0000010, VM_PROT_READ));
	expect_user(test, vcpu, fake_run_once(vcpu), VM_EXITCODE_INST_EMUL, 5);
	KUNIT_EXPECT_MEMEQ(test, vcpu->exit.u.inst_emul.vie.inst, bytes, 5);
	vcpu_set_rip(vcpu, 0x1000);
	vcpu->insn_count = VIE_INST_SIZE - 1;
	FAKE_SCRIPT(vcpu, FAULT_AT(0xd0000010, VM_PROT_READ));
	expect_user(test, vcpu, fake_run_once(vcpu), VM_EXITCODE_INST_EMUL, 5);
	KUNIT_EXPECT_MEMEQ(test, vcpu->exit.u.inst_emul.vie.inst, mov_eax_from, 5);
}

/* Memory that does not grant the access is like a device (ROM that is written to). */
static void emul_of_a_write_to_rom(struct kunit *test)
{
	/* mov [0xff000010], eax */
	static const u8 mov_to_rom[] = { 0xa3, 0x10, 0x00, 0x00, 0xff };
	struct vcpu *vcpu = code_setup(test, X86_CR0_PE, mov_to_rom, sizeof(mov_to_rom));

	KUNIT_ASSERT_EQ(test,
			fake_memory(test, 1, 0xff000000, SZ_64K, VM_PROT_READ | VM_PROT_EXECUTE),
			0);
	FAKE_SCRIPT(vcpu, FAULT_AT(0xff000010, VM_PROT_WRITE));
	expect_user(test, vcpu, fake_run_once(vcpu), VM_EXITCODE_INST_EMUL, sizeof(mov_to_rom));
	FAKE_SCRIPT(vcpu, FAULT_AT(0xff000010, VM_PROT_READ), FAKE_END);
	expect_settled(test, vcpu, fake_run_once(vcpu), 0x1000, 0);
}

static void emul_undecodable_is_user_spaces(struct kunit *test)
{
	static const u8 ud2[] = { 0x0f, 0x0b, 0x90, 0x90 };
	struct vcpu *vcpu = code_setup(test, X86_CR0_PE, ud2, sizeof(ud2));

	FAKE_SCRIPT(vcpu, FAULT_AT(0xd0000010, VM_PROT_READ));
	expect_user(test, vcpu, fake_run_once(vcpu), VM_EXITCODE_INST_EMUL, 0);
	KUNIT_EXPECT_EQ(test, vcpu->exit.u.inst_emul.vie.decoded, 0);
}

/* The instruction itself is not in memory. */
static void emul_without_code_fails_vm_run(struct kunit *test)
{
	struct vcpu *vcpu = code_setup(test, X86_CR0_PE, mov_eax_from, sizeof(mov_eax_from));

	FAKE_SCRIPT(vcpu,
		    FAKE_NEUTRAL(VM_EXITCODE_PAGING, 0, .rip = 0xc0000000,
				 .u.paging = { .gpa = 0xd0000010, .fault_type = VM_PROT_READ }));
	KUNIT_EXPECT_EQ(test, fake_run_once(vcpu), -EFAULT);
}

/* The guest's own tables do not map the instruction: it gets #PF, and no exit is made. */
static void emul_fetch_that_faults_is_the_guests(struct kunit *test)
{
	struct vcpu *vcpu = code_setup(test, X86_CR0_PE | X86_CR0_PG, mov_eax_from,
				       sizeof(mov_eax_from));

	vcpu_reg_set(vcpu, VM_REG_GUEST_CR3, 0x4000);
	FAKE_SCRIPT(vcpu, FAULT_AT(0xd0000010, VM_PROT_READ), FAKE_END);
	KUNIT_EXPECT_EQ(test, fake_run_once(vcpu), VM_EXITCODE_PAUSE);
	KUNIT_EXPECT_EQ(test, fake_last_entry(vcpu)->rip, 0x1000);
	KUNIT_EXPECT_EQ(test, (u32)fake_last_entry(vcpu)->event, FAULT_ERROR(14));
	KUNIT_EXPECT_EQ(test, reg(vcpu, VM_REG_GUEST_CR2), 0x1000);
}

/* mov [0xfec00000], eax; mov eax, [0xfec00010]: index and data register of the I/O APIC. */
static void emul_serves_the_ioapic(struct kunit *test)
{
	static const u8 code[] = { 0xa3, 0x00, 0x00, 0xc0, 0xfe, 0xa1, 0x10, 0x00, 0xc0, 0xfe };
	struct vcpu *vcpu = code_setup(test, X86_CR0_PE, code, sizeof(code));

	vcpu->gpr[GPR_RAX] = 1;		/* the version */
	FAKE_SCRIPT(vcpu, FAULT_AT(0xfec00000, VM_PROT_WRITE),
		    FAKE_NEUTRAL(VM_EXITCODE_PAGING, 0, .rip = 0x1005,
				 .u.paging = { .gpa = 0xfec00010, .fault_type = VM_PROT_READ }),
		    FAKE_END);
	KUNIT_EXPECT_EQ(test, fake_run_once(vcpu), VM_EXITCODE_PAUSE);
	KUNIT_EXPECT_EQ(test, fake_last_entry(vcpu)->rip, 0x100a);
	KUNIT_EXPECT_EQ(test, vcpu->gpr[GPR_RAX] >> 16 & 0xff, VIOAPIC_PINS - 1);
}

/* 64-bit code at 0x1000, the first 2 MiB mapped as they are, CPL 0. */
static struct vcpu *long_mode_setup(struct kunit *test, const u8 *code, size_t len)
{
	static const u64 pml4 = 0x5003, pdpt = 0x6003, pd = 0x83;
	struct vcpu *vcpu = code_setup(test, X86_CR0_PE | X86_CR0_PG, code, len);
	struct seg_desc cs = { .limit = 0xffffffff, .access = 0xa09b };

	KUNIT_ASSERT_EQ(test, fake_poke(test, 0x4000, &pml4, sizeof(pml4)), 0);
	KUNIT_ASSERT_EQ(test, fake_poke(test, 0x5000, &pdpt, sizeof(pdpt)), 0);
	KUNIT_ASSERT_EQ(test, fake_poke(test, 0x6000, &pd, sizeof(pd)), 0);
	vcpu_reg_set(vcpu, VM_REG_GUEST_CR3, 0x4000);
	vcpu_reg_set(vcpu, VM_REG_GUEST_CR4, X86_CR4_PAE);
	vcpu_reg_set(vcpu, VM_REG_GUEST_EFER, EFER_LME | EFER_LMA);
	vcpu->vm->backend->desc_set(vcpu, VM_REG_GUEST_CS, &cs);
	return vcpu;
}

#define LOAD_AT(gpa_)										\
	FAKE_NEUTRAL(VM_EXITCODE_PAGING, 0, .rip = 0x1004,					\
		     .u.paging = { .gpa = (gpa_), .fault_type = VM_PROT_READ })

/*
 * Plain moves are remembered: registers, addresses and the bytes themselves may be others the
 * next time. The index register of the I/O APIC is written and read back, at RBX + RSI * 8 + 16.
 */
static void emul_of_plain_moves(struct kunit *test)
{
	static const u8 code[] = { 0x89, 0x44, 0xf3, 0x10, 0x8b, 0x44, 0xf3, 0x10 };
	static const u8 from_ecx[] = { 0x89, 0x4c, 0xf3, 0x10 };
	static const u32 indices[] = { 1, 0x11, 2 };
	struct vcpu *vcpu = long_mode_setup(test, code, sizeof(code));
	int i;

	vcpu->gpr[GPR_RBX] = 0xfec00000 - 0x20;
	vcpu->gpr[GPR_RSI] = 2;
	for (i = 0; i < ARRAY_SIZE(indices); i++) {
		vcpu->gpr[GPR_RAX] = 0xffffffff00000000ULL | indices[i];
		FAKE_SCRIPT(vcpu, FAULT_AT(0xfec00000, VM_PROT_WRITE), LOAD_AT(0xfec00000), FAKE_END);
		KUNIT_EXPECT_EQ(test, fake_run_once(vcpu), VM_EXITCODE_PAUSE);
		KUNIT_EXPECT_EQ(test, fake_last_entry(vcpu)->rip, 0x1008);
		KUNIT_EXPECT_EQ(test, vcpu->gpr[GPR_RAX], indices[i]);
		KUNIT_EXPECT_EQ(test, vcpu->stats[VMEXIT_INST_EMUL], 2 * (i + 1));
	}
	/* Other bytes. */
	KUNIT_ASSERT_EQ(test, fake_poke(test, 0x1000, from_ecx, sizeof(from_ecx)), 0);
	vcpu->gpr[GPR_RCX] = 0x1d;
	FAKE_SCRIPT(vcpu, FAULT_AT(0xfec00000, VM_PROT_WRITE), LOAD_AT(0xfec00000), FAKE_END);
	KUNIT_EXPECT_EQ(test, fake_run_once(vcpu), VM_EXITCODE_PAUSE);
	KUNIT_EXPECT_EQ(test, vcpu->gpr[GPR_RAX], 0x1d);
	/* Another address than the one that faulted, which the guest's tables do not map. */
	vcpu->gpr[GPR_RBX] += 4;
	FAKE_SCRIPT(vcpu, FAULT_AT(0xfec00000, VM_PROT_WRITE), FAKE_END);
	KUNIT_EXPECT_EQ(test, fake_run_once(vcpu), VM_EXITCODE_PAUSE);
	KUNIT_EXPECT_EQ(test, (u32)fake_last_entry(vcpu)->event, FAULT_ERROR(14));
	KUNIT_EXPECT_EQ(test, reg(vcpu, VM_REG_GUEST_CR2), 0xfec00004);
}

/* VM_RUN fails for it, and then goes on behind it, also where the instruction is remembered. */
static void emul_refused_by_a_chip(struct kunit *test)
{
	static const u8 code[] = { 0x89, 0x03 };	/* mov [rbx], eax */
	struct vcpu *vcpu = long_mode_setup(test, code, sizeof(code));
	int i;

	vcpu->gpr[GPR_RBX] = 0xfee00300;
	vcpu->gpr[GPR_RAX] = APIC_DELMODE_LOWPRIO | 0x40;
	for (i = 0; i < 3; i++) {
		vcpu_reg_set(vcpu, VM_REG_GUEST_RIP, 0x1000);
		FAKE_SCRIPT(vcpu, FAULT_AT(0xfee00300, VM_PROT_WRITE));
		KUNIT_EXPECT_EQ(test, fake_run_once(vcpu), -EPERM);
		KUNIT_EXPECT_EQ(test, vcpu->nextrip, 0x1002);
	}
}

/* A write to ICR by MMIO makes the same exit as by MSR, behind the instruction. */
static void emul_of_icr_makes_an_ipi_exit(struct kunit *test)
{
	static const u8 code[] = { 0xa3, 0x00, 0x03, 0xe0, 0xfe };	/* mov [0xfee00300], eax */
	struct vcpu *vcpu = code_setup(test, X86_CR0_PE, code, sizeof(code));
	u64 dest = 1ULL << 24;

	fake_vcpu(test, 1);
	vlapic_set_ipi_exit(vcpu->vlapic, true);
	KUNIT_ASSERT_EQ(test, vlapic_mmio(vcpu->vlapic, 0x310, true, 4, &dest), 0);
	vcpu->gpr[GPR_RAX] = APIC_DELMODE_INIT | BIT(14);
	FAKE_SCRIPT(vcpu, FAULT_AT(0xfee00300, VM_PROT_WRITE));
	expect_user(test, vcpu, fake_run_once(vcpu), VM_EXITCODE_IPI, sizeof(code));
	KUNIT_EXPECT_EQ(test, vcpu->exit.u.ipi.mode, APIC_DELMODE_INIT);
	KUNIT_EXPECT_EQ(test, vlapic_ipi(vcpu->vlapic)->targets[0], BIT(1));
}

static struct kunit_case exit_test_cases[] = {
	KUNIT_CASE(exit_passes_to_user_space),
	KUNIT_CASE(exit_turns_into_ud),
	KUNIT_CASE(inout_without_chip_is_user_spaces),
	KUNIT_CASE(inout_in_merges_into_rax),
	KUNIT_CASE(inout_out_leaves_rax_alone),
	KUNIT_CASE(inout_refused_fails_vm_run),
	KUNIT_CASE(inout_reaches_the_board),
	KUNIT_CASE(msr_unknown_is_user_spaces),
	KUNIT_CASE(msr_read_fills_edx_eax),
	KUNIT_CASE(msr_bad_value_is_gp),
	KUNIT_CASE(msr_tsc_sets_the_offset),
	KUNIT_CASE(msr_tsc_adjust_moves_the_tsc),
	KUNIT_CASE(msr_apic_follows_its_mode),
	KUNIT_CASE(msr_tsc_deadline_is_the_apics),
	KUNIT_CASE(ipi_exits_when_asked_to),
	KUNIT_CASE(ipi_spins_up_an_ap),
	KUNIT_CASE(paging_populates_memory),
	KUNIT_CASE(paging_fetch_from_a_hole_is_unclaimed),
	KUNIT_CASE(emul_leaves_devices_to_user_space),
	KUNIT_CASE(emul_takes_the_cpus_bytes),
	KUNIT_CASE(emul_of_a_write_to_rom),
	KUNIT_CASE(emul_undecodable_is_user_spaces),
	KUNIT_CASE(emul_without_code_fails_vm_run),
	KUNIT_CASE(emul_fetch_that_faults_is_the_guests),
	KUNIT_CASE(emul_serves_the_ioapic),
	KUNIT_CASE(emul_of_plain_moves),
	KUNIT_CASE(emul_refused_by_a_chip),
	KUNIT_CASE(emul_of_icr_makes_an_ipi_exit),
	{}
};

static struct kunit_suite exit_test_suite = {
	.name = "vmm-exit",
	.suite_init = fake_suite_init,
	.suite_exit = fake_suite_exit,
	.init = fake_vm_test_init,
	.exit = fake_vm_test_exit,
	.test_cases = exit_test_cases,
};
kunit_test_suite(exit_test_suite);
