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
