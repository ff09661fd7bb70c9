// SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
/*
 * vmx: the control words of every VMCS, computed from the capability MSRs (Intel manual vol. 3,
 * appendix A), and which control is said to be missing where one is. Bits are written down here
 * anew, from chapter 25.
 */
#include <kunit/test.h>
#include <linux/bits.h>
#include <linux/kernel.h>
#include <linux/string.h>
#include "vmx_fixture.h"

#define ALL_BUT(bits)	(~(u32)(bits))

/* --- one word ---------------------------------------------------------------------------- */

static void word_has_what_it_must(struct kunit *test)
{
	u32 word, missing;

	/* Must be 1: bits 0 and 1; may be 1: 0 to 3. */
	KUNIT_EXPECT_EQ(test, vmx_control_word(0xfULL << 32 | 3, BIT(2), BIT(3) | BIT(4), 0, &word,
					       &missing), 0);
	KUNIT_EXPECT_EQ(test, word, 0xf);	/* bit 4 was wanted, and is not to be had */
	KUNIT_EXPECT_EQ(test, missing, 0);
	KUNIT_EXPECT_EQ(test, vmx_control_word(0xfULL << 32 | 3, 0, 0, 0, &word, &missing), 0);
	KUNIT_EXPECT_EQ(test, word, 3);
	KUNIT_EXPECT_EQ(test, vmx_control_word(0xfULL << 32 | 3, BIT(2) | BIT(5), 0, 0, &word,
					       &missing), -ENODEV);
	KUNIT_EXPECT_EQ(test, missing, BIT(5));
	KUNIT_EXPECT_EQ(test, vmx_control_word(0xfULL << 32 | 3, 0, 0, BIT(1) | BIT(2), &word,
					       &missing), -ENODEV);
	KUNIT_EXPECT_EQ(test, missing, BIT(1));
	KUNIT_EXPECT_EQ(test, vmx_control_word(~0ULL, ~0U, 0, 0, &word, &missing), 0);
	KUNIT_EXPECT_EQ(test, word, ~0U);
}

/* --- all five ---------------------------------------------------------------------------- */

static void words_of_a_processor_with_all(struct kunit *test)
{
	KUNIT_ASSERT_EQ(test, caps_of_all(), 0);
	/* External interrupts, NMIs, virtual NMIs. */
	KUNIT_EXPECT_EQ(test, vmx_caps.pin, 0x3f);
	/*
	 * TSC offset, MWAIT, RDPMC, TPR shadow, MOV DR, all ports, MSR bitmaps, MONITOR, secondary
	 * controls; no exits of HLT, INVLPG, RDTSC, CR3, CR8, PAUSE, no window.
	 */
	KUNIT_EXPECT_EQ(test, vmx_caps.proc, 0xb5a06d7a);
	/*
	 * EPT, VPID, unrestricted guest, virtual-interrupt delivery, PAUSE loops, ENCLS, ENCLV; RDTSCP as
	 * the host has it. x2APIC mode and APIC registers come with the guest's mode.
	 */
	KUNIT_EXPECT_EQ(test, vmx_caps.proc2 & ALL_BUT(BIT(3)), 0x100086a2);
	KUNIT_EXPECT_TRUE(test, vmx_caps.apic_virtual);
	/* Debug registers saved, 64-bit host, PAT loaded, EFER both; no acknowledged interrupts. */
	KUNIT_EXPECT_EQ(test, vmx_caps.exit, 0x3b6fff);
	/* Debug registers, PAT, EFER loaded; a guest begins outside of IA-32e mode. */
	KUNIT_EXPECT_EQ(test, vmx_caps.entry, 0xd1ff);
	KUNIT_EXPECT_TRUE(test, vmx_caps.pat);
	KUNIT_EXPECT_EQ(test, vmx_caps.proc_allowed, ~0U);
}

/* Nothing is there that is not needed. */
static void words_of_a_processor_with_little(struct kunit *test)
{
	caps_of_all();
	msr_set(MSR_TRUE_PIN, 0x16, 0x3f);
	msr_set(MSR_TRUE_PROC, 0x04006172, 0xb5c06d7e | BIT(19) | BIT(20));	/* no bit 21 */
	msr_set(MSR_PROC2, 0, BIT(1) | BIT(7));
	msr_set(MSR_TRUE_EXIT, 0x36dfb, 0x336ffb);
	msr_set(MSR_TRUE_ENTRY, 0x11fb, 0x93ff);
	KUNIT_ASSERT_EQ(test, vmx_controls_read(BASIC_TRUE, NULL), 0);
	KUNIT_EXPECT_EQ(test, vmx_caps.pin, 0x3f);
	/* Without the TPR shadow CR8 exits. */
	KUNIT_EXPECT_EQ(test, vmx_caps.proc, 0xb5986d7a);
	KUNIT_EXPECT_EQ(test, vmx_caps.proc2, BIT(1) | BIT(7));
	KUNIT_EXPECT_EQ(test, vmx_caps.exit, 0x336ffb);
	KUNIT_EXPECT_EQ(test, vmx_caps.entry, 0x91ff);
	KUNIT_EXPECT_FALSE(test, vmx_caps.pat);
	KUNIT_EXPECT_EQ(test, vmx_caps.proc2_allowed, BIT(1) | BIT(7));
}

/* Delivery by the processor needs the TPR shadow, and comes with x2APIC mode and registers or not at all. */
static void apic_is_virtual_as_a_whole(struct kunit *test)
{
	static const u8 needed[] = { 4, 8, 9 };
	int i;

	for (i = 0; i < ARRAY_SIZE(needed); i++) {
		caps_of_all();
		msr_set(MSR_PROC2, 0, ALL_BUT(BIT(needed[i])));
		KUNIT_ASSERT_EQ(test, vmx_controls_read(BASIC_TRUE, NULL), 0);
		KUNIT_EXPECT_FALSE(test, vmx_caps.apic_virtual);
		KUNIT_EXPECT_EQ(test, vmx_caps.proc2 & (BIT(4) | BIT(8) | BIT(9)), 0);
	}
	caps_of_all();
	msr_set(MSR_TRUE_PROC, 0x04006172, ALL_BUT(BIT(21)));
	KUNIT_ASSERT_EQ(test, vmx_controls_read(BASIC_TRUE, NULL), 0);
	KUNIT_EXPECT_FALSE(test, vmx_caps.apic_virtual);
	caps_of_all();
	vmx_caps.revision = 0x2b;
	KUNIT_ASSERT_EQ(test, vmx_controls_read(BASIC_TRUE, NULL), 0);
	KUNIT_EXPECT_FALSE(test, vmx_caps.apic_virtual);
	vmx_cap_intr_delivery = false;
	caps_of_all();
	KUNIT_EXPECT_FALSE(test, vmx_caps.apic_virtual);
	KUNIT_EXPECT_EQ(test, vmx_caps.proc2 & (BIT(4) | BIT(8) | BIT(9)), 0);
	vmx_cap_intr_delivery = true;
}

/* PAT is switched at both ends or at none. */
static void pat_goes_both_ways(struct kunit *test)
{
	int i;

	for (i = 0; i < 2; i++) {
		caps_of_all();
		if (i)
			msr_set(MSR_TRUE_EXIT, 0x36dfb, ALL_BUT(BIT(19)));
		else
			msr_set(MSR_TRUE_ENTRY, 0x11fb, ALL_BUT(BIT(14)));
		KUNIT_ASSERT_EQ(test, vmx_controls_read(BASIC_TRUE, NULL), 0);
		KUNIT_EXPECT_FALSE(test, vmx_caps.pat);
		KUNIT_EXPECT_FALSE(test, vmx_caps.exit & BIT(19));
		KUNIT_EXPECT_FALSE(test, vmx_caps.entry & BIT(14));
	}
}

/* VMX_BASIC bit 55 decides which MSRs count. */
static void true_msrs_count_where_there_are_any(struct kunit *test)
{
	caps_of_all();
	/* Plain ones that would refuse, and true ones that would. */
	msr_set(MSR_PIN, 0x16, 0x16);
	KUNIT_EXPECT_EQ(test, vmx_controls_read(BASIC_TRUE, NULL), 0);
	msrs_of_all();
	msr_set(MSR_PROC, 0x04006172, ~0U);
	msr_set(MSR_TRUE_PIN, 0x16, 0x16);
	msr_set(MSR_TRUE_PROC, ~0U, ~0U);
	msr_set(MSR_TRUE_EXIT, 0, 0);
	msr_set(MSR_TRUE_ENTRY, 0, 0);
	KUNIT_EXPECT_EQ(test, vmx_controls_read(BASIC_PLAIN, NULL), 0);
	/* Of those that are 1 by default none may be cleared: debug registers are saved. */
	KUNIT_EXPECT_EQ(test, vmx_caps.exit, 0x3b6fff);
}

/* --- what is missing ------------------------------------------------------------------------ */

static char said[256];

static void note(const char *control)
{
	strlcat(said, control, sizeof(said));
	strlcat(said, ";", sizeof(said));
}

static void missing_controls_are_named(struct kunit *test)
{
	static const struct { u8 msr; u32 must, may; const char *said; } table[] = {
		{ MSR_TRUE_PIN, 0x16, ALL_BUT(BIT(0)), "external-interrupt exiting;" },
		{ MSR_TRUE_PIN, 0x16, ALL_BUT(BIT(3)), "NMI exiting;" },
		{ MSR_TRUE_PIN, 0x16, ALL_BUT(BIT(5)), "virtual NMIs;" },
		{ MSR_TRUE_PIN, 0x16, ALL_BUT(BIT(3) | BIT(5)), "NMI exiting;virtual NMIs;" },
		{ MSR_TRUE_PROC, 0x04006172, ALL_BUT(BIT(2)), "interrupt-window exiting;" },
		{ MSR_TRUE_PROC, 0x04006172, ALL_BUT(BIT(3)), "TSC offsetting;" },
		{ MSR_TRUE_PROC, 0x04006172, ALL_BUT(BIT(10)), "MWAIT exiting;" },
		{ MSR_TRUE_PROC, 0x04006172, ALL_BUT(BIT(11)), "RDPMC exiting;" },
		{ MSR_TRUE_PROC, 0x04006172, ALL_BUT(BIT(22)), "NMI-window exiting;" },
		{ MSR_TRUE_PROC, 0x04006172, ALL_BUT(BIT(23)), "MOV-DR exiting;" },
		{ MSR_TRUE_PROC, 0x04006172, ALL_BUT(BIT(24)), "unconditional I/O exiting;" },
		{ MSR_TRUE_PROC, 0x04006172, ALL_BUT(BIT(28)), "MSR bitmaps;" },
		{ MSR_TRUE_PROC, 0x04006172, ALL_BUT(BIT(29)), "MONITOR exiting;" },
		{ MSR_TRUE_PROC, 0x04006172, ALL_BUT(BIT(31)), "secondary controls;" },
		{ MSR_TRUE_PROC, 0x0401e172, ~0U, "CR3 loads without exit;CR3 stores without exit;" },
		{ MSR_PROC2, 0, ALL_BUT(BIT(1)), "EPT;" },
		{ MSR_PROC2, 0, ALL_BUT(BIT(7)), "unrestricted guest;" },
		{ MSR_TRUE_EXIT, 0x36dfb, ALL_BUT(BIT(20)), "saving EFER;" },
		{ MSR_TRUE_EXIT, 0x36dfb, ALL_BUT(BIT(21)), "loading EFER at exit;" },
		{ MSR_TRUE_ENTRY, 0x11fb, ALL_BUT(BIT(15)), "loading EFER at entry;" },
		/* Those without a name of their own. */
		{ MSR_TRUE_EXIT, 0x36dfb, ALL_BUT(BIT(9)), "exit control bits 0x200;" },
		{ MSR_TRUE_EXIT, 0x36dfb | BIT(15), ~0U, "exit control bits 0x8000;" },
		{ MSR_TRUE_ENTRY, 0x11fb, ALL_BUT(BIT(2)), "entry control bits 0x4;" },
		{ MSR_TRUE_PROC, 0x04006172 | BIT(9) | BIT(12), ~0U,
		  "processor-based control bits 0x1200;" },
		{ MSR_TRUE_PROC, 0x04006172 | BIT(9), ALL_BUT(BIT(28)),
		  "MSR bitmaps;processor-based control bits 0x200;" },
	};
	int i;

	for (i = 0; i < ARRAY_SIZE(table); i++) {
		caps_of_all();
		msr_set(table[i].msr, table[i].must, table[i].may);
		said[0] = 0;
		KUNIT_EXPECT_EQ_MSG(test, vmx_controls_read(BASIC_TRUE, note), -ENODEV, "%s",
				    table[i].said);
		KUNIT_EXPECT_STREQ(test, said, table[i].said);
	}
}

/* A processor of the first generation: CR3 exits cannot be switched off. */
static void plain_msrs_of_the_first_processors(struct kunit *test)
{
	caps_of_all();
	said[0] = 0;
	KUNIT_EXPECT_EQ(test, vmx_controls_read(BASIC_PLAIN, note), -ENODEV);
	KUNIT_EXPECT_STREQ(test, said, "CR3 loads without exit;CR3 stores without exit;");
}

static struct kunit_case vmx_caps_test_cases[] = {
	KUNIT_CASE(word_has_what_it_must),
	KUNIT_CASE(words_of_a_processor_with_all),
	KUNIT_CASE(words_of_a_processor_with_little),
	KUNIT_CASE(apic_is_virtual_as_a_whole),
	KUNIT_CASE(pat_goes_both_ways),
	KUNIT_CASE(true_msrs_count_where_there_are_any),
	KUNIT_CASE(missing_controls_are_named),
	KUNIT_CASE(plain_msrs_of_the_first_processors),
	{}
};

static struct kunit_suite vmx_caps_test_suite = {
	.name = "vmm-vmx-caps",
	.test_cases = vmx_caps_test_cases,
};
kunit_test_suite(vmx_caps_test_suite);
