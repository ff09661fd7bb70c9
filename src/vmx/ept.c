// SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
/*
 * ept: the algebra of extended page-table entries, and what tells the TLB about it; Intel
 * manual vol. 3, "VMX Support for Address Translation".
 *
 * Translations are tagged with the EPT root, and those made through the guest's own tables
 * with the VPID as well. A change that takes a permission away bumps the tree's generation,
 * and each CPU invalidates the root once when it first enters with a newer one. A vCPU that
 * comes from another CPU, or whose paging the host has changed, drops its VPID.
 *
 * Memory is write-back whatever the guest's PAT and MTRRs say: the PAT is ignored. A device's
 * BARs are uncached.
 */
#include <linux/idr.h>
#include <linux/mm.h>
#include <linux/slab.h>
#include "../mem/gpt.h"
#include "../mem/pte_format.h"
#include "vmx.h"

#define EPT_READ	BIT_ULL(0)
#define EPT_WRITE	BIT_ULL(1)
#define EPT_EXEC	BIT_ULL(2)
#define EPT_TYPE	(7ULL << 3)
#define EPT_WRITE_BACK	(6ULL << 3)
#define EPT_IGNORE_PAT	BIT_ULL(6)
#define EPT_LARGE	BIT_ULL(7)
#define EPT_ACCESSED	BIT_ULL(8)
#define EPT_DIRTY	BIT_ULL(9)

#define EPTP_WRITE_BACK	6ULL
#define EPTP_4_LEVELS	(3ULL << 3)
#define EPTP_AD		BIT_ULL(6)

static u64 ept_table(u64 table_hpa)
{
	return table_hpa | EPT_READ | EPT_WRITE | EPT_EXEC;
}

static u64 ept_leaf(u64 page_hpa, int prot, unsigned int level)
{
	u64 pte = page_hpa | EPT_WRITE_BACK | EPT_IGNORE_PAT;

	/* Write without read is a misconfiguration, execute alone one on some processors. */
	if (prot & (GPT_PROT_READ | GPT_PROT_WRITE) || !vmx_caps.ept_exec_only)
		pte |= EPT_READ;
	if (prot & GPT_PROT_WRITE)
		pte |= EPT_WRITE;
	if (prot & GPT_PROT_EXEC)
		pte |= EPT_EXEC;
	if (level)
		pte |= EPT_LARGE;
	return pte;
}

/* Memory type 0, uncached; not ignoring the guest's PAT, which may make it write-combining. */
static u64 ept_device_leaf(u64 hpa, int prot, unsigned int level)
{
	return ept_leaf(hpa, prot, level) & ~(EPT_TYPE | EPT_IGNORE_PAT);
}

static bool ept_is_present(u64 pte)
{
	return pte & (EPT_READ | EPT_WRITE | EPT_EXEC);
}

static bool ept_is_leaf(u64 pte, unsigned int level)
{
	return !level || (pte & EPT_LARGE);
}

static int ept_prot(u64 pte)
{
	return (pte & EPT_READ ? GPT_PROT_READ : 0) | (pte & EPT_WRITE ? GPT_PROT_WRITE : 0) |
	       (pte & EPT_EXEC ? GPT_PROT_EXEC : 0);
}

struct pte_format ept_format = {
	.table = ept_table,
	.leaf = ept_leaf,
	.device_leaf = ept_device_leaf,
	.is_present = ept_is_present,
	.is_leaf = ept_is_leaf,
	.prot = ept_prot,
	.write_mask = EPT_WRITE,
};

void ept_format_init(void)
{
	ept_format.accessed_mask = vmx_caps.ept_ad ? EPT_ACCESSED : 0;
	ept_format.dirty_mask = vmx_caps.ept_ad ? EPT_DIRTY : 0;
	ept_format.max_leaf_level = vmx_caps.ept_large;
}

int vmx_vm_init(struct vm *vm)
{
	struct vmx_vm *vmx = kzalloc(sizeof(*vmx), GFP_KERNEL_ACCOUNT);

	if (!vmx)
		return -ENOMEM;
	/* Generations start at 1: every CPU begins with INVEPT, so a root's page may be reused. */
	vmx->cpu_generation = kcalloc(nr_cpu_ids, sizeof(*vmx->cpu_generation),
				      GFP_KERNEL_ACCOUNT);
	if (!vmx->cpu_generation) {
		kfree(vmx);
		return -ENOMEM;
	}
	vmx->eptp = gpt_root_hpa(vm->mem.gpt) | EPTP_WRITE_BACK | EPTP_4_LEVELS;
	if (vmx_caps.ept_ad)
		vmx->eptp |= EPTP_AD;
	vm->backend_vm = vmx;
	return 0;
}

void vmx_vm_fini(struct vm *vm)
{
	struct vmx_vm *vmx = vm->backend_vm;

	kfree(vmx->cpu_generation);
	kfree(vmx);
}

/* --- tags ------------------------------------------------------------- */

#define VPID_SHARED	0xffff

static DEFINE_IDA(vpids);
unsigned int vmx_vpid_alloc_failed;

void vmx_vpid_alloc(struct vmx_vcpu *vmx)
{
	int vpid;

	if (!vmx_caps.vpid)
		return;
	vpid = ida_alloc_range(&vpids, 1, VPID_SHARED - 1, GFP_KERNEL);
	vmx->vpid_shared = vpid < 0;
	vmx->vpid = vpid < 0 ? VPID_SHARED : vpid;
	if (vpid < 0)
		vmx_vpid_alloc_failed++;
}

void vmx_vpid_free(struct vmx_vcpu *vmx)
{
	if (vmx->vpid && !vmx->vpid_shared)
		ida_free(&vpids, vmx->vpid);
}

void vmx_tlb_flush_all(void)
{
	vmx_insn_invept(VMX_INV_ALL, 0);
	if (vmx_caps.vpid)
		vmx_insn_invvpid(VMX_INV_ALL, 0);
}

void vmx_tlb_prepare(struct vcpu *vcpu)
{
	struct vmx_vcpu *vmx = to_vmx(vcpu);
	struct vmx_vm *vm = to_vmx_vm(vcpu);
	u64 *seen = &vm->cpu_generation[smp_processor_id()];
	u64 generation = gpt_generation(vcpu->vm->mem.gpt);

	if (unlikely(*seen != generation)) {
		vmx_insn_invept(vmx_caps.invept_context ? VMX_INV_CONTEXT : VMX_INV_ALL, vm->eptp);
		*seen = generation;
		/* That took this root's translations under every VPID along. */
		if (vmx->flush_tlb)
			vcpu_stat_inc(vcpu, VCPU_INVVPID_SAVED);
	} else if (unlikely(vmx->flush_tlb) && vmx_caps.vpid) {
		vmx_insn_invvpid(vmx_caps.invvpid_context ? VMX_INV_CONTEXT : VMX_INV_ALL,
				 vmx->vpid);
		vcpu_stat_inc(vcpu, VCPU_INVVPID_DONE);
	}
	vmx->flush_tlb = false;
}
