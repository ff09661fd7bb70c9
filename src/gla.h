/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/*
 * gla: what the kernel reads at guest-linear addresses: instruction bytes, and translations for
 * the API.
 */
#ifndef VMM_GLA_H
#define VMM_GLA_H

#include <linux/types.h>
#include "x86/paging.h"

struct vcpu;

/*
 * The page that instruction bytes last came from, and the entries of the guest's tables that
 * led there. It may be used again for as long as each of these holds the same value, CR3 and
 * privilege are the same, and no page has left the nested tables (which alone hold the
 * references): then a walk would find the same page. Own thread.
 */
struct gla_window {
	u64 generation;		/* of the nested tables; 0: nothing here */
	u64 cr3;
	u64 gla;		/* of the page */
	const u8 *page;
	u8 cpl;
	u8 paging_mode;		/* enum vm_paging_mode */
	u8 nentries;
	const u64 *entry[PAGING_MAX_LOADS];
	u64 val[PAGING_MAX_LOADS];
};

/**
 * gla_window_find() - instruction bytes without a walk
 * @vcpu: own thread
 * @paging: CR3, CPL and paging mode count
 * @gla: linear address
 * Return: the byte there, others behind it as far as its page goes; NULL: fetch them.
 */
const u8 *gla_window_find(struct vcpu *vcpu, const struct vm_guest_paging *paging, u64 gla);

/**
 * gla_fetch() - instruction bytes at CS:RIP
 * @vcpu: own thread; is put if the bytes cannot be had without sleeping
 * @gla: linear address of the first byte
 * @buf: takes up to @len (15) bytes
 * Return: number of bytes, fewer only if the next page cannot be fetched; -EFAULT: not in guest
 * memory; 0 and the fault injected: the fetch faults in the guest.
 */
int gla_fetch(struct vcpu *vcpu, const struct vm_guest_paging *paging, u64 gla, u8 *buf, unsigned int len);

/* VM_GLA2GPA and emulation: 0, PAGING_FAULT with *fault filled, -EFAULT. Frozen or own thread. */
int gla_translate(struct vcpu *vcpu, const struct vm_guest_paging *paging, u64 gla, int prot,
		  bool set_ad, u64 *gpa, struct paging_fault *fault);
/* Inject what gla_translate() found: #PF with CR2, or #GP. */
void gla_inject(struct vcpu *vcpu, const struct paging_fault *fault);

#endif
