/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/*
 * vmlapi: the requests that Linux adds to vmm(4), as C functions. <vmm_linux.h> says what each does;
 * what vmmapi.h says of results, errnos and threads holds here too. Errors of all of them that
 * vmmapi.h does not name: ENOTTY, the module does not know the request; EOPNOTSUPP, it does not know a flag.
 */
#ifndef VMLAPI_H
#define VMLAPI_H

#include <vmm_linux.h>
#include <vmmapi.h>

#ifdef __cplusplus
extern "C" {
#endif

/* Fills *INFO, size included. VML_INFO. */
int	vml_info(struct vmctx *ctx, struct vml_info *info);

/*
 * Guest and guest time stop when vml_pause returns, and go on with vml_resume; vm_run() does not
 * return because of it. EALREADY: is so. EINTR: fatal signal. VML_PAUSE, VML_RESUME.
 */
int	vml_pause(struct vmctx *ctx);
int	vml_resume(struct vmctx *ctx);

/*
 * COUNT rules on top of what CPUID answers by default, in place of earlier ones; 0: none.
 *	E2BIG	COUNT is over VML_CPUID_RULES_MAX
 *	EBUSY	a vCPU has run already
 * VML_SET_CPUID.
 */
int	vml_set_cpuid(struct vmctx *ctx, const struct vml_cpuid_rule *rules, unsigned int count);

/* What the guest would read now; REGS takes EAX, EBX, ECX, EDX. VML_GET_CPUID. */
int	vml_get_cpuid(struct vcpu *vcpu, uint32_t leaf, uint32_t subleaf, uint32_t regs[4]);

/*
 * All VML_FEATURE_* that shall be on.
 *	EOPNOTSUPP	not on this host: see vml_info.features
 *	EBUSY		a vCPU has run already
 * VML_SET_FEATURES.
 */
int	vml_set_features(struct vmctx *ctx, uint64_t features);

/*
 * A write to eventfd FD becomes an edge on I/O APIC pin GSI; with RESAMPLE_FD not -1 a level until
 * the guest's EOI, which signals that eventfd.
 *	EBADF, EINVAL	no eventfd		EINVAL	no such pin
 *	EBUSY		assigned already	ENOSPC	over VML_EVENTFDS_MAX
 * VML_IRQFD.
 */
int	vml_irqfd(struct vmctx *ctx, int fd, unsigned int gsi, int resample_fd);
/* A write to FD becomes the message ADDR, MSG (as vm_lapic_msi). Errors as vml_irqfd. */
int	vml_irqfd_msi(struct vmctx *ctx, int fd, uint64_t addr, uint64_t msg);
/* Take them back. ENOENT: there is none such. */
int	vml_irqfd_deassign(struct vmctx *ctx, int fd, unsigned int gsi);
int	vml_irqfd_msi_deassign(struct vmctx *ctx, int fd, uint64_t addr, uint64_t msg);

/*
 * A guest's write to ADDR signals eventfd FD instead of leaving vm_run(). LEN: bytes of the write, 0: any;
 * FLAGS: VML_IOEVENTFD_PIO and _DATAMATCH, and _DEASSIGN to take it back.
 *	EBADF, EINVAL	no eventfd		EINVAL	LEN, range or value cannot be
 *	EEXIST		there is one like it, or a chip of the kernel
 *	ENOENT		nothing to take back	ENOSPC	over VML_EVENTFDS_MAX
 * VML_IOEVENTFD.
 */
int	vml_ioeventfd(struct vmctx *ctx, int fd, uint32_t flags, uint64_t addr, uint32_t len, uint64_t datamatch);

/*
 * Which pages of [GPA, GPA + LEN) has the guest written since the last call with VML_DIRTY_CLEAR in
 * FLAGS? BITMAP: (LEN / 4096 + 7) / 8 bytes; *DIRTY (may be NULL): bits that are set in it.
 * EINVAL: GPA or LEN is not a multiple of 4096, LEN is 0 or over 1 TiB, the range wraps. VML_DIRTY_LOG.
 */
int	vml_dirty_log(struct vmctx *ctx, uint64_t gpa, uint64_t len, uint32_t flags, void *bitmap, uint64_t *dirty);

/*
 * vm_set_register() of REG, then vm_run(), in one request: the answer to an IN or to a read of a device's
 * register, and on. Errors are those of both. VML_RUN.
 */
int	vml_run(struct vcpu *vcpu, struct vm_run *vmrun, int reg, uint64_t val);

#ifdef __cplusplus
}
#endif

#endif
