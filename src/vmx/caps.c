// SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
#define pr_fmt(fmt) "vmm: " fmt
#include <linux/cpu.h>
#include <linux/mm.h>
#include <linux/printk.h>
#include <linux/sched/smt.h>
#include <linux/smp.h>
#include <linux/suspend.h>
#include <asm/cpufeature.h>
#include <asm/msr.h>
#include <asm/nospec-branch.h>
#include <asm/perf_event.h>
#include <asm/processor-flags.h>
#include <asm/tlbflush.h>
#include <asm/tsc.h>
#include <asm/trapnr.h>
#include <asm/vmx.h>
#include "../dev/vlapic.h"
#include "../x86/cpuid.h"
#include "../x86/fpu.h"
#include "vmx.h"

struct vmx_caps vmx_caps;
struct vmx_mitigations vmx_mitigations;

#define REVISION_BOCHS	0x2b	/* of its VMCS, version 2.7 */

/* --- control words (manual vol. 3, appendix A) ------------------------ */

/* What we need of one control word. */
struct control_rule {
	const char *word;
	u32 msr, true_msr;	/* the second one where VMX_BASIC bit 55 says that it is there */
	u32 required;		/* set in every VMCS */
	u32 settable;		/* set now and then */
	u32 wanted;		/* set if it can be */
	u32 forbidden;		/* must be clearable */
};

#define PROC_CR8	(PROC_CR8_LOAD | PROC_CR8_STORE)

static const struct control_rule pin_rule = {
	.word = "pin-based control", .msr = MSR_IA32_VMX_PINBASED_CTLS,
	.true_msr = MSR_IA32_VMX_TRUE_PINBASED_CTLS,
	.required = PIN_EXTERNAL_INTERRUPT | PIN_NMI | PIN_VIRTUAL_NMIS,
};

static const struct control_rule proc_rule = {
	.word = "processor-based control", .msr = MSR_IA32_VMX_PROCBASED_CTLS,
	.true_msr = MSR_IA32_VMX_TRUE_PROCBASED_CTLS,
	.required = PROC_TSC_OFFSET | PROC_MWAIT | PROC_RDPMC | PROC_MOV_DR |
		    PROC_UNCONDITIONAL_IO | PROC_MSR_BITMAPS | PROC_MONITOR | PROC_SECONDARY,
	.settable = PROC_INTERRUPT_WINDOW | PROC_NMI_WINDOW,
	.wanted = PROC_TPR_SHADOW,
	.forbidden = PROC_INVLPG | PROC_RDTSC | PROC_CR3_LOAD | PROC_CR3_STORE | PROC_IO_BITMAPS,
};

static const struct control_rule proc2_rule = {
	.word = "secondary control", .msr = MSR_IA32_VMX_PROCBASED_CTLS2,
	.true_msr = MSR_IA32_VMX_PROCBASED_CTLS2,
	.required = PROC2_EPT | PROC2_UNRESTRICTED,
	.wanted = PROC2_VPID | PROC2_RDTSCP | PROC2_PAUSE_LOOP | PROC2_ENCLS | PROC2_ENCLV |
		  PROC2_INTR_DELIVERY,
};

static const struct control_rule exit_rule = {
	.word = "exit control", .msr = MSR_IA32_VMX_EXIT_CTLS,
	.true_msr = MSR_IA32_VMX_TRUE_EXIT_CTLS,
	.required = EXIT_HOST_64BIT | EXIT_SAVE_EFER | EXIT_LOAD_EFER,
	.wanted = EXIT_SAVE_DEBUG | EXIT_LOAD_PAT,
	.forbidden = EXIT_ACK_INTERRUPT,
};

static const struct control_rule entry_rule = {
	.word = "entry control", .msr = MSR_IA32_VMX_ENTRY_CTLS,
	.true_msr = MSR_IA32_VMX_TRUE_ENTRY_CTLS,
	.required = ENTRY_LOAD_DEBUG | ENTRY_LOAD_EFER,
	.settable = ENTRY_LONG_MODE,
	.wanted = ENTRY_LOAD_PAT,
	.forbidden = ENTRY_SMM | ENTRY_DUAL_MONITOR_OFF,
};

int vmx_control_word(u64 msr, u32 required, u32 wanted, u32 forbidden, u32 *word, u32 *missing)
{
	u32 must_be_1 = msr, may_be_1 = msr >> 32;

	*word = must_be_1 | (may_be_1 & (required | wanted));
	*missing = (required & ~may_be_1) | (forbidden & must_be_1);
	return *missing ? -ENODEV : 0;
}

static const struct { const struct control_rule *rule; u32 bit; const char *name; } control_names[] = {
	{ &pin_rule, PIN_EXTERNAL_INTERRUPT, "external-interrupt exiting" },
	{ &pin_rule, PIN_NMI, "NMI exiting" },
	{ &pin_rule, PIN_VIRTUAL_NMIS, "virtual NMIs" },
	{ &proc_rule, PROC_TSC_OFFSET, "TSC offsetting" },
	{ &proc_rule, PROC_MWAIT, "MWAIT exiting" },
	{ &proc_rule, PROC_RDPMC, "RDPMC exiting" },
	{ &proc_rule, PROC_MOV_DR, "MOV-DR exiting" },
	{ &proc_rule, PROC_UNCONDITIONAL_IO, "unconditional I/O exiting" },
	{ &proc_rule, PROC_MSR_BITMAPS, "MSR bitmaps" },
	{ &proc_rule, PROC_MONITOR, "MONITOR exiting" },
	{ &proc_rule, PROC_SECONDARY, "secondary controls" },
	{ &proc_rule, PROC_INTERRUPT_WINDOW, "interrupt-window exiting" },
	{ &proc_rule, PROC_NMI_WINDOW, "NMI-window exiting" },
	{ &proc_rule, PROC_CR3_LOAD, "CR3 loads without exit" },
	{ &proc_rule, PROC_CR3_STORE, "CR3 stores without exit" },
	{ &proc2_rule, PROC2_EPT, "EPT" },
	{ &proc2_rule, PROC2_UNRESTRICTED, "unrestricted guest" },
	{ &exit_rule, EXIT_SAVE_EFER, "saving EFER" },
	{ &exit_rule, EXIT_LOAD_EFER, "loading EFER at exit" },
	{ &entry_rule, ENTRY_LOAD_EFER, "loading EFER at entry" },
};

static void control_report(const struct control_rule *rule, u32 missing,
			   void (*report)(const char *control))
{
	char rest[48];
	int i;

	for (i = 0; i < ARRAY_SIZE(control_names); i++)
		if (control_names[i].rule == rule && (missing & control_names[i].bit)) {
			report(control_names[i].name);
			missing &= ~control_names[i].bit;
		}
	if (!missing)
		return;
	snprintf(rest, sizeof(rest), "%s bits %#x", rule->word, missing);
	report(rest);
}

/* The word for every VMCS, and which bits may be set in it. */
static int control_read(const struct control_rule *rule, u64 basic, u32 *word, u32 *allowed,
			void (*report)(const char *control))
{
	u64 val = vmx_capability(basic & BIT_ULL(55) ? rule->true_msr : rule->msr);
	u32 missing;
	int err;

	err = vmx_control_word(val, rule->required | rule->settable, rule->wanted,
			       rule->forbidden, word, &missing);
	if (err)
		control_report(rule, missing, report);
	*word &= ~rule->settable | (u32)val;
	if (allowed)
		*allowed = val >> 32;
	return err;
}

#define PROC2_APIC	(PROC2_INTR_DELIVERY | PROC2_X2APIC | PROC2_APIC_REGISTERS)

/*
 * All that apic.c uses, or nothing of it but the TPR shadow. Bochs 2.7 keeps an interrupt that waits
 * for the guest over an exit, and then takes one after another of its 8259 for the host.
 */
static void apic_controls_decide(void)
{
	struct vmx_caps *caps = &vmx_caps;

	caps->apic_virtual = vmx_cap_intr_delivery && caps->revision != REVISION_BOCHS &&
			     (caps->proc & PROC_TPR_SHADOW) &&
			     (caps->proc2_allowed & PROC2_APIC) == PROC2_APIC;
	if (!caps->apic_virtual)
		caps->proc2 &= ~PROC2_INTR_DELIVERY;
}

int vmx_controls_read(u64 basic, void (*report)(const char *control))
{
	struct vmx_caps *caps = &vmx_caps;
	int err;

	err = control_read(&pin_rule, basic, &caps->pin, &caps->pin_allowed, report) ?:
	      control_read(&proc_rule, basic, &caps->proc, &caps->proc_allowed, report) ?:
	      control_read(&proc2_rule, basic, &caps->proc2, &caps->proc2_allowed, report) ?:
	      control_read(&exit_rule, basic, &caps->exit, NULL, report) ?:
	      control_read(&entry_rule, basic, &caps->entry, NULL, report);
	if (err)
		return err;
	if (!vmx_cap_tpr_shadowing)
		caps->proc &= ~PROC_TPR_SHADOW;
	if (!(caps->proc & PROC_TPR_SHADOW))
		caps->proc |= PROC_CR8 & caps->proc_allowed;
	apic_controls_decide();
	if (vmm_trap_wbinvd)
		caps->proc2 |= PROC2_WBINVD & caps->proc2_allowed;
	if (!boot_cpu_has(X86_FEATURE_RDTSCP) && !boot_cpu_has(X86_FEATURE_RDPID))
		caps->proc2 &= ~PROC2_RDTSCP;
	caps->pat = (caps->exit & EXIT_LOAD_PAT) && (caps->entry & ENTRY_LOAD_PAT);
	if (!caps->pat) {
		caps->exit &= ~EXIT_LOAD_PAT;
		caps->entry &= ~ENTRY_LOAD_PAT;
	}
	return 0;
}

/* --- the rest of what the processor can do ---------------------------- */

#define BASIC_REVISION(basic)	((u32)(basic) & GENMASK(30, 0))
#define BASIC_SIZE(basic)	((u32)((basic) >> 32) & GENMASK(12, 0))
#define BASIC_32BIT		BIT_ULL(48)
#define BASIC_MEMTYPE(basic)	(((basic) >> 50) & 0xf)
#define BASIC_INS_INFO		BIT_ULL(54)
#define MEMTYPE_WRITE_BACK	6

static int basic_read(u64 basic)
{
	if (BASIC_SIZE(basic) > PAGE_SIZE || BASIC_MEMTYPE(basic) != MEMTYPE_WRITE_BACK ||
	    (basic & BASIC_32BIT)) {
		pr_warn("this CPU wants a VMCS of another kind (IA32_VMX_BASIC=%#llx): VM creation will fail\n",
			basic);
		return -ENODEV;
	}
	vmx_caps.revision = BASIC_REVISION(basic);
	vmx_caps.ins_info = basic & BASIC_INS_INFO;
	return 0;
}

#define EPT_CAP_EXEC_ONLY	BIT_ULL(0)
#define EPT_CAP_4_LEVELS	BIT_ULL(6)
#define EPT_CAP_WRITE_BACK	BIT_ULL(14)
#define EPT_CAP_2M		BIT_ULL(16)
#define EPT_CAP_INVEPT		BIT_ULL(20)
#define EPT_CAP_AD		BIT_ULL(21)
#define EPT_CAP_INVEPT_CONTEXT	BIT_ULL(25)
#define EPT_CAP_INVEPT_ALL	BIT_ULL(26)
#define VPID_CAP_INVVPID	BIT_ULL(32)
#define VPID_CAP_CONTEXT	BIT_ULL(41)
#define VPID_CAP_ALL		BIT_ULL(42)
#define EPT_CAPS_NEEDED		(EPT_CAP_4_LEVELS | EPT_CAP_WRITE_BACK | EPT_CAP_INVEPT | EPT_CAP_INVEPT_ALL)

/* Fetches through 2 MiB entries can stop the whole machine; KVM splits those that are executed. */
static bool itlb_multihit(void)
{
	return boot_cpu_has_bug(X86_BUG_ITLB_MULTIHIT) && !cpu_mitigations_off();
}

static int ept_read(void)
{
	struct vmx_caps *caps = &vmx_caps;
	u64 cap = vmx_capability(MSR_IA32_VMX_EPT_VPID_CAP);

	if ((cap & EPT_CAPS_NEEDED) != EPT_CAPS_NEEDED) {
		pr_warn("EPT lacks 4 levels, write-back or INVEPT (IA32_VMX_EPT_VPID_CAP=%#llx): VM creation will fail\n",
			cap);
		return -ENODEV;
	}
	caps->ept_exec_only = (cap & EPT_CAP_EXEC_ONLY) && ept_use_exec_only;
	caps->ept_ad = (cap & EPT_CAP_AD) && ept_use_hw_ad_bits;
	caps->ept_large = (cap & EPT_CAP_2M) && ept_use_superpages && !itlb_multihit();
	caps->invept_context = cap & EPT_CAP_INVEPT_CONTEXT;
	caps->vpid = (caps->proc2 & PROC2_VPID) && (cap & VPID_CAP_INVVPID) && (cap & VPID_CAP_ALL);
	caps->invvpid_context = cap & VPID_CAP_CONTEXT;
	if (!caps->vpid)
		caps->proc2 &= ~PROC2_VPID;
	return 0;
}

/*
 * Unrestricted guest frees PE and PG. CR4.MCE stays as the host has it: without it a machine
 * check in the guest would shut the processor down. OSXSAVE and PKE belong to what CPUID answers, and
 * UMIP and PKE are not for every guest.
 */
static void control_registers_read(void)
{
	struct vmx_caps *caps = &vmx_caps;

	caps->cr0_fixed0 = vmx_capability(MSR_IA32_VMX_CR0_FIXED0);
	caps->cr0_fixed1 = vmx_capability(MSR_IA32_VMX_CR0_FIXED1);
	caps->cr4_fixed0 = vmx_capability(MSR_IA32_VMX_CR4_FIXED0);
	caps->cr4_fixed1 = vmx_capability(MSR_IA32_VMX_CR4_FIXED1);
	caps->cr0_ones = caps->cr0_fixed0 & ~(u64)(X86_CR0_PE | X86_CR0_PG);
	caps->cr0_zeros = (u32)~caps->cr0_fixed1 | X86_CR0_CD | X86_CR0_NW;
	caps->cr0_mask = caps->cr0_ones | caps->cr0_zeros;
	caps->cr4_allowed = cpuid_cr4_supported(&vmm_cpuid_host, fpu_xcr0_permitted(true)) &
			    caps->cr4_fixed1;
	caps->cr4_ones = caps->cr4_fixed0 | (cr4_read_shadow() & X86_CR4_MCE);
	caps->cr4_mask = ~(caps->cr4_allowed &
			   ~(u64)(X86_CR4_OSXSAVE | X86_CR4_MCE | X86_CR4_UMIP | X86_CR4_PKE));
}

#define MISC_TIMER_SHIFT(misc)	((misc) & 0x1f)		/* TSC ticks in one of the preemption timer's, log2 */
#define MISC_ACTIVITY(misc)	(((misc) >> 6) & 7)	/* HLT, shutdown, wait for SIPI */
#define MISC_ZERO_LENGTH	BIT_ULL(30)

static void misc_read(void)
{
	u64 misc = vmx_capability(MSR_IA32_VMX_MISC);

	vmx_caps.activity_supported = BIT(ACTIVITY_ACTIVE) | MISC_ACTIVITY(misc) << 1;
	vmx_caps.zero_length_trap = misc & MISC_ZERO_LENGTH;
	/*
	 * Bochs 2.7 looks at RFLAGS.IF only when it changes: a guest entered with interrupts
	 * disabled, as they are here, keeps the host's from ending it. Once a millisecond will do.
	 */
	if (vmx_caps.revision == REVISION_BOCHS && (vmx_caps.pin_allowed & PIN_PREEMPTION_TIMER)) {
		vmx_caps.pin |= PIN_PREEMPTION_TIMER;
		vmx_caps.timer_ticks = tsc_khz >> MISC_TIMER_SHIFT(misc);
	}
}

static void control_missing(const char *control)
{
	pr_warn("%s missing on this CPU: VM creation will fail\n", control);
}

#define CR4_FRED	BIT_ULL(32)

/* Firmware's switch, which the kernel locks at boot if the firmware has not. */
static int feature_control_check(void)
{
	u64 control;

	if (rdmsrl_safe(MSR_IA32_FEAT_CTL, &control))
		return 0;
	if ((control & FEAT_CTL_LOCKED) && !(control & (FEAT_CTL_VMX_ENABLED_OUTSIDE_SMX |
							FEAT_CTL_VMX_ENABLED_INSIDE_SMX))) {
		pr_warn("VT-x is disabled by firmware (IA32_FEATURE_CONTROL=%#llx, locked): enable VT-x in the firmware setup, then switch the machine off and on; VM creation will fail\n",
			control);
		return -ENODEV;
	}
	return 0;
}

static int caps_read(void)
{
	u64 basic;
	int err;

	err = feature_control_check();
	if (err)
		return err;
	if (!boot_cpu_has(X86_FEATURE_VMX)) {
		pr_warn("VT-x is there but this kernel has switched it off (see \"VMX\" in its log, and clearcpuid=): VM creation will fail\n");
		return -ENODEV;
	}
	if (cr4_read_shadow() & CR4_FRED) {
		pr_warn("this kernel takes events by FRED, to which NMIs out of a guest cannot be handed: boot with fred=off; VM creation will fail\n");
		return -ENODEV;
	}
	basic = vmx_capability(MSR_IA32_VMX_BASIC);
	err = basic_read(basic) ?: vmx_controls_read(basic, control_missing) ?: ept_read();
	if (err)
		return err;
	control_registers_read();
	misc_read();
	return 0;
}

/* --- mitigations ------------------------------------------------------ */

#define L1D_ORDER	4	/* 64 KiB: more than any L1D there is */

static int l1d_policy_of_kernel(void)
{
	u64 arch = 0;

	if (boot_cpu_has(X86_FEATURE_ARCH_CAPABILITIES))
		rdmsrl(MSR_IA32_ARCH_CAPABILITIES, arch);
	if (!boot_cpu_has_bug(X86_BUG_L1TF) || (arch & ARCH_CAP_SKIP_VMENTRY_L1DFLUSH))
		return L1D_NO_FLUSH;
	switch (l1tf_vmx_mitigation) {
	case VMENTER_L1D_FLUSH_NEVER:
		return L1D_NO_FLUSH;
	case VMENTER_L1D_FLUSH_COND:
		return L1D_FLUSH_COND;
	case VMENTER_L1D_FLUSH_ALWAYS:
		return L1D_FLUSH_ALWAYS;
	default:
		break;
	}
	switch (l1tf_mitigation) {
	case L1TF_MITIGATION_OFF:
		return L1D_NO_FLUSH;
	case L1TF_MITIGATION_FULL:
	case L1TF_MITIGATION_FULL_FORCE:
		return L1D_FLUSH_ALWAYS;
	default:
		return L1D_FLUSH_COND;
	}
}

/* The parameters may overrule the kernel: root's decision, but not a silent one. */
static int l1d_policy(bool has_msr)
{
	int policy = l1d_policy_of_kernel();
	bool off = !vmx_l1d_flush || (!has_msr && !vmx_l1d_flush_sw);

	if (off && policy != L1D_NO_FLUSH)
		pr_warn("vmx_l1d_flush=%d vmx_l1d_flush_sw=%d: guests can read what is in this CPU's L1D cache (L1TF)\n",
			vmx_l1d_flush, vmx_l1d_flush_sw);
	if (off)
		return L1D_NO_FLUSH;
	return vmx_l1d_flush > 0 && policy == L1D_NO_FLUSH ? L1D_FLUSH_ALWAYS : policy;
}

static int l1d_init(void)
{
	struct vmx_mitigations *m = &vmx_mitigations;
	int i;

	m->l1d = l1d_policy(boot_cpu_has(X86_FEATURE_FLUSH_L1D));
	m->l1d_msr = boot_cpu_has(X86_FEATURE_FLUSH_L1D) && vmx_l1d_flush_sw <= 0;
	if (m->l1d == L1D_NO_FLUSH || m->l1d_msr)
		return 0;
	m->l1d_pages = (void *)__get_free_pages(GFP_KERNEL, L1D_ORDER);
	if (!m->l1d_pages)
		return -ENOMEM;
	/* All different: an outer hypervisor may merge equal pages into one. */
	for (i = 0; i < 1 << L1D_ORDER; i++)
		memset(m->l1d_pages + i * PAGE_SIZE, i + 1, PAGE_SIZE);
	return 0;
}

static void mitigations_exit(void)
{
	free_pages((unsigned long)vmx_mitigations.l1d_pages, L1D_ORDER);
	vmx_mitigations.l1d_pages = NULL;
}

static const char *l1d_text(void)
{
	static const char * const flush[] = {
		[L1D_NO_FLUSH] = "off", [L1D_FLUSH_COND] = "flush", [L1D_FLUSH_ALWAYS] = "flush-always",
	};

	return boot_cpu_has_bug(X86_BUG_L1TF) ? flush[vmx_mitigations.l1d] : "unaffected";
}

static const char *verw_text(void)
{
	if (boot_cpu_has(X86_FEATURE_CLEAR_CPU_BUF) || boot_cpu_has(X86_FEATURE_CLEAR_CPU_BUF_VM))
		return "verw";
	if (vmx_mitigations.verw_mmio)
		return "verw-mmio";
	return boot_cpu_has_bug(X86_BUG_MDS) || boot_cpu_has_bug(X86_BUG_MMIO_STALE_DATA) ? "off" :
	       "unaffected";
}

static const char *rsb_text(void)
{
	if (boot_cpu_has(X86_FEATURE_RSB_VMEXIT))
		return "fill";
	return boot_cpu_has(X86_FEATURE_RSB_VMEXIT_LITE) ? "lite" : "off";
}

static const char *bhi_text(void)
{
	if (boot_cpu_has(X86_FEATURE_CLEAR_BHB_HW))
		return "hardware";
	if (boot_cpu_has(X86_FEATURE_CLEAR_BHB_LOOP_ON_VMEXIT))
		return "loop";
	return boot_cpu_has_bug(X86_BUG_BHI) ? "off" : "unaffected";
}

static int mitigations_init(void)
{
	int err = l1d_init();

	if (err)
		return err;
	vmx_mitigations.verw_mmio = static_key_enabled(&mmio_stale_data_clear);
	pr_info("mitigations: l1tf=%s mds=%s rsb=%s ibrs=%s bhi=%s ibpb=%s vmscape=%s itlb=%s smt=%s\n",
		l1d_text(), verw_text(), rsb_text(),
		boot_cpu_has(X86_FEATURE_KERNEL_IBRS) ? "write" : "as-is", bhi_text(),
		boot_cpu_has(X86_FEATURE_USE_IBPB) ? "switch" : "off",
		boot_cpu_has(X86_FEATURE_IBPB_EXIT_TO_USER) ? "ibpb" : "off",
		itlb_multihit() ? "4k-pages" : "off",
		!sched_smt_active() ? "off" :
		boot_cpu_has_bug(X86_BUG_L1TF) || boot_cpu_has_bug(X86_BUG_MDS) ? "vulnerable" : "on");
	return 0;
}

/* --- sleep ------------------------------------------------------------ */

bool vmx_yielding;

static void yield_cpu(void *unused)
{
	vmx_cpu_disable();
}

/*
 * A machine that sleeps loses what a processor keeps of a VMCS, and the boot CPU wakes with
 * CR4.VMXE set but outside of VMX operation; no hotplug callback runs there. So from here
 * until it is awake again each CPU leaves VMX operation whenever it has no VMCS in use.
 */
static int sleep_notify(struct notifier_block *nb, unsigned long event, void *unused)
{
	switch (event) {
	case PM_SUSPEND_PREPARE:
	case PM_HIBERNATION_PREPARE:
	case PM_RESTORE_PREPARE:
		WRITE_ONCE(vmx_yielding, true);
		on_each_cpu(yield_cpu, NULL, 1);
		break;
	case PM_POST_SUSPEND:
	case PM_POST_HIBERNATION:
	case PM_POST_RESTORE:
		WRITE_ONCE(vmx_yielding, false);
		break;
	}
	return NOTIFY_OK;
}

static struct notifier_block sleep_notifier = { .notifier_call = sleep_notify };

/* --- module and CPUs -------------------------------------------------- */

int vmx_setup(void)
{
	int err = caps_read();

	if (err)
		return err;
	ept_format_init();
	err = mitigations_init();
	if (err)
		return err;
	err = vmx_msrs_init();
	if (err)
		goto err_mitigations;
	err = vmx_cpus_init();
	if (err)
		goto err_msrs;
	err = register_pm_notifier(&sleep_notifier);
	if (err)
		goto err_cpus;
	vmx_caps.initialized = true;
	return 0;

err_cpus:
	vmx_cpus_exit();
err_msrs:
	vmx_msrs_exit();
err_mitigations:
	mitigations_exit();
	return err;
}

void vmx_teardown(void)
{
	unregister_pm_notifier(&sleep_notifier);
	vmx_cpus_exit();
	vmx_msrs_exit();
	mitigations_exit();
}

static int vmx_operation_begin(struct vmx_cpu *cpu)
{
	u64 basic;
	int err;

	basic = vmx_capability(MSR_IA32_VMX_BASIC);
	if (BASIC_REVISION(basic) != vmx_caps.revision) {
		pr_warn_once("CPU %d has another VMCS format than the boot CPU: no VM can run there\n",
			     smp_processor_id());
		return -EIO;
	}
	cr4_set_bits_irqsoff(X86_CR4_VMXE);
	cpu->vmxon->revision = vmx_caps.revision;
	err = vmx_insn_vmxon(__pa(cpu->vmxon));
	if (err) {
		cr4_clear_bits_irqsoff(X86_CR4_VMXE);
		pr_warn_once("VMXON failed on CPU %d: is VT-x disabled by firmware there?\n",
			     smp_processor_id());
		return err;
	}
	intel_pt_handle_vmx(1);
	return 0;
}

int vmx_cpu_enable(void)
{
	struct vmx_cpu *cpu = this_cpu_ptr(&vmx_cpus);
	int err;

	if (cpu->enabled)
		return 0;
	if (__read_cr4() & X86_CR4_VMXE)
		return -EBUSY;
	err = vmx_operation_begin(cpu);
	if (err)
		return err;
	cpu->enabled = true;
	cpu->last_vcpu = NULL;
	rdmsrl(MSR_STAR, cpu->star);
	rdmsrl(MSR_LSTAR, cpu->lstar);
	rdmsrl(MSR_CSTAR, cpu->cstar);
	rdmsrl(MSR_SYSCALL_MASK, cpu->sfmask);
	if (vmx_caps.proc2 & PROC2_RDTSCP)
		rdmsrl(MSR_TSC_AUX, cpu->tsc_aux);
	/* What the TLB holds under our tags from an earlier time is unknown. */
	vmx_tlb_flush_all();
	return 0;
}

void vmx_cpu_disable(void)
{
	struct vmx_cpu *cpu = this_cpu_ptr(&vmx_cpus);

	if (!cpu->enabled)
		return;
	/* By interrupt, into the middle of its use: vmcs_done() does it then. */
	if (cpu->busy) {
		WRITE_ONCE(vmx_yielding, true);
		return;
	}
	vmcs_clear_all();
	vmx_tlb_flush_all();
	cpu->enabled = false;
	vmx_insn_vmxoff();
	intel_pt_handle_vmx(0);
	cr4_clear_bits_irqsoff(X86_CR4_VMXE);
}

/* --- capabilities of a vCPU (semantics.md section 13) ----------------- */

int vmx_cap_get(struct vcpu *vcpu, int cap, int *val)
{
	struct vmx_vcpu *vmx = to_vmx(vcpu);
	const u32 proc = vmx_caps.proc_allowed;

	switch (cap) {
	case VM_CAP_MTRAP_EXIT:
		*val = !!(vmx->proc & PROC_MONITOR_TRAP);
		return proc & PROC_MONITOR_TRAP ? 0 : -ENOENT;
	case VM_CAP_PAUSE_EXIT:
		*val = !!(vmx->proc & PROC_PAUSE);
		return proc & PROC_PAUSE ? 0 : -ENOENT;
	case VM_CAP_UNRESTRICTED_GUEST:
		*val = vmx->unrestricted;
		return 0;
	case VM_CAP_ENABLE_INVPCID:
		*val = vcpu->cpuid.invpcid;
		return vmx_caps.proc2_allowed & PROC2_INVPCID ? 0 : -ENOENT;
	case VM_CAP_BPT_EXIT:
		*val = vmx->bpt_exit;
		return 0;
	case VM_CAP_RDPID:
		*val = 1;
		return vcpu->cpuid.rdpid ? 0 : -ENOENT;
	case VM_CAP_RDTSCP:
		*val = 1;
		return vcpu->cpuid.rdtscp ? 0 : -ENOENT;
	default:
		return -ENOENT;
	}
}

static int cap_set_proc(struct vcpu *vcpu, u32 bit, bool on)
{
	if (!(vmx_caps.proc_allowed & bit))
		return -ENOENT;
	if (!vmcs_get(vcpu))
		return -EBUSY;
	vmx_set_proc(to_vmx(vcpu), bit, on);
	vmcs_put(vcpu);
	return 0;
}

static int cap_set_halt(struct vcpu *vcpu, bool on)
{
	int err = cap_set_proc(vcpu, PROC_HLT, on);

	if (!err)
		vcpu->halt_exit = on;
	return err;
}

static int cap_set_invpcid(struct vcpu *vcpu, bool on)
{
	if (!(vmx_caps.proc2_allowed & PROC2_INVPCID))
		return -ENOENT;
	if (!vmcs_get(vcpu))
		return -EBUSY;
	vmx_set_proc2(to_vmx(vcpu), PROC2_INVPCID, on);
	vmcs_put(vcpu);
	vcpu->cpuid.invpcid = on;
	return 0;
}

static int cap_set_bpt(struct vcpu *vcpu, bool on)
{
	if (!vmcs_get(vcpu))
		return -EBUSY;
	if (!vmm_trace_guest_exceptions)
		vmx_set_exception(to_vmx(vcpu), X86_TRAP_BP, on);
	vmcs_put(vcpu);
	to_vmx(vcpu)->bpt_exit = on;
	return 0;
}

int vmx_cap_set(struct vcpu *vcpu, int cap, int val)
{
	switch (cap) {
	case VM_CAP_HALT_EXIT:
		return cap_set_halt(vcpu, val);
	case VM_CAP_MTRAP_EXIT:
		return cap_set_proc(vcpu, PROC_MONITOR_TRAP, val);
	case VM_CAP_PAUSE_EXIT:
		return cap_set_proc(vcpu, PROC_PAUSE, val);
	case VM_CAP_UNRESTRICTED_GUEST:
		/* The processor's control is always on; only what was asked for is remembered. */
		to_vmx(vcpu)->unrestricted = val;
		return 0;
	case VM_CAP_ENABLE_INVPCID:
		return cap_set_invpcid(vcpu, val);
	case VM_CAP_BPT_EXIT:
		return cap_set_bpt(vcpu, val);
	case VM_CAP_MASK_HWINTR:
		vcpu->mask_hwintr = val;
		return 0;
	default:
		return -ENOENT;
	}
}
