/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* cpuid: what CPUID answers to a guest (semantics.md section 24): rows of data, one evaluator, both vendors. */
#ifndef VMM_X86_CPUID_H
#define VMM_X86_CPUID_H

#include <linux/types.h>

enum cpuid_vendor { CPUID_INTEL, CPUID_AMD };

struct cpuid_result { u32 eax, ebx, ecx, edx; };

/* A change that user space wants: answer = (default & keep) | set. */
struct cpuid_rule {
	u32 leaf, subleaf;
	bool one_subleaf;		/* else: whatever ECX is */
	struct cpuid_result keep, set;
};

struct cpuid_rules {			/* constant once a policy points to it */
	unsigned int count;
	struct cpuid_rule rule[];	/* take effect in this order */
};

/* Everything about host, VM and vCPU that an answer may depend on. */
struct cpuid_policy {			/* one a VM, constant while vCPUs run */
	enum cpuid_vendor vendor;
	u16 sockets, cores, threads;	/* 1 or more; cores per socket, threads per core */
	u64 xcr0_permitted;		/* XCR0 bits a guest may set; 0: host has no XSAVE */
	u32 xsave_max_bytes;		/* size of the standard-format area for xcr0_permitted: cpuid_xsave_bytes() */
	bool leaf_b;			/* hw.vmm.topology.cpuid_leaf_b */
	bool tsc_invariant;		/* and synchronized */
	bool tsc_deadline;		/* our vlapic has it: offered, whatever the host has */
	bool pvclock;			/* leaves 0x40000100 and 0x40000101 are there */
	bool wide;			/* show more of the host than semantics.md section 24 does */
	const struct cpuid_rules *rules;	/* NULL: none */
	u32 tsc_khz;			/* host TSC, for the TSC deadline; no leaf shows it: 0x15 is zero */
};

struct cpuid_vcpu {			/* own thread */
	u32 apic_id;			/* the vCPU's id */
	bool x2apic;			/* x2APIC state on */
	bool osxsave;			/* guest CR4.OSXSAVE */
	bool ospke;			/* guest CR4.PKE */
	u64 xcr0;			/* guest */
	bool rdpid, rdtscp, invpcid;	/* by capability; offered only if the host has the instruction as well */
};

#define CPUID_CACHE_LEAVES	0x40	/* leaves of either range, from 0 and from 0x80000000 */
#define CPUID_CACHE_SUBLEAVES	112	/* subleaves, of all leaves that have any */

/*
 * The host's own answers. CPUID is slow, and traps where the host is itself a
 * guest, so they are read once, at load; constant afterwards.
 */
struct cpuid_host {
	/* The module runs CPUID, tests supply tables. Set by the owner before cpuid_cache_init(), not used after it. */
	void (*query)(u32 leaf, u32 subleaf, struct cpuid_result *regs);
	u32 basic_max, ext_max;		/* highest leaf of each range in the cache */
	struct cpuid_result basic[CPUID_CACHE_LEAVES];	/* subleaf 0 */
	struct cpuid_result ext[CPUID_CACHE_LEAVES];
	struct cpuid_result sub[CPUID_CACHE_SUBLEAVES];
};

/**
 * cpuid_cache_init - read the host's answers through host->query
 * @host: query set; all else is filled in
 *
 * A host with more than CPUID_CACHE_LEAVES leaves in a range is seen as having
 * just that many.
 *
 * Context: any; runs CPUID a good hundred times. Once, at load, before any
 * other function here.
 * Return: 0; -EINVAL: no query; -ENODEV: no extended leaves (not a 64-bit CPU).
 */
int cpuid_cache_init(struct cpuid_host *host);

/**
 * cpuid_host_leaf - the host's answer, from the cache
 * @leaf: any; one the host does not have gives zeros
 * @subleaf: where the leaf has subleaves; else ignored
 *
 * Context: any, after cpuid_cache_init().
 */
void cpuid_host_leaf(const struct cpuid_host *host, u32 leaf, u32 subleaf, struct cpuid_result *regs);

/**
 * cpuid_xsave_bytes - size of a standard-format XSAVE area
 * @xcr0: components in it
 *
 * Context: any, after cpuid_cache_init().
 * Return: bytes, at least 576 (legacy region and header).
 * Rule: SDM vol. 1, 13.4.3; APM vol. 2, 11.5.9.
 */
u32 cpuid_xsave_bytes(const struct cpuid_host *host, u64 xcr0);

/**
 * cpuid_cr4_supported - bits that a guest's CR4 may have on this host
 * @xcr0: components that guests may enable, 0: none, not even XSAVE
 *
 * Those whose state is switched, or that need none; what CPUID hides is not to be had by writing
 * CR4 either. From CPUID itself: the command line may have hidden some of it from the kernel.
 *
 * Context: any, after cpuid_cache_init().
 */
u64 cpuid_cr4_supported(const struct cpuid_host *host, u64 xcr0);

/**
 * cpuid_emulate - the guest executed CPUID
 * @host: the cache
 * @policy: of the VM
 * @vcpu: state of the vCPU now
 * @leaf: EAX
 * @subleaf: ECX
 * @regs: out: EAX to EDX; upper halves of the guest's registers become 0
 * @unruled: incremented if the leaf has no rule and passes through
 *	(hw.vmm.bhyve_xcpuids)
 *
 * Context: the vCPU's own thread; hot: reads the cache only, no locks, no sleeping.
 * Rule: semantics.md section 24; SDM vol. 2, CPUID; APM vol. 3, appendix E.
 */
void cpuid_emulate(const struct cpuid_host *host, const struct cpuid_policy *policy,
		   const struct cpuid_vcpu *vcpu, u32 leaf, u32 subleaf,
		   struct cpuid_result *regs, u64 *unruled);

#endif
