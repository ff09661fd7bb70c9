// SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
/* Guest-linear addresses: translation, and copies through it. */
#include <errno.h>
#include <string.h>
#include <sys/ioctl.h>

#include "internal.h"

static int gla_translate(struct vcpu *vcpu, unsigned long request,
			 const struct vm_guest_paging *paging, uint64_t gla, int prot,
			 uint64_t *gpa, int *fault)
{
	struct vm_gla2gpa arg;

	memset(&arg, 0, sizeof(arg));
	arg.vcpuid = vcpu->id;
	arg.prot = prot;
	arg.gla = gla;
	arg.paging = *paging;
	if (ioctl(vcpu->ctx->fd, request, &arg) != 0)
		return -1;
	*fault = arg.fault;
	*gpa = arg.gpa;
	return 0;
}

int vm_gla2gpa(struct vcpu *vcpu, struct vm_guest_paging *paging, uint64_t gla, int prot,
	       uint64_t *gpa, int *fault)
{
	return gla_translate(vcpu, VM_GLA2GPA, paging, gla, prot, gpa, fault);
}

int vm_gla2gpa_nofault(struct vcpu *vcpu, struct vm_guest_paging *paging, uint64_t gla, int prot,
		       uint64_t *gpa, int *fault)
{
	return gla_translate(vcpu, VM_GLA2GPA_NOFAULT, paging, gla, prot, gpa, fault);
}

int vm_copy_setup(struct vcpu *vcpu, struct vm_guest_paging *paging, uint64_t gla, size_t len,
		  int prot, struct iovec *iov, int iovcnt, int *fault)
{
	uint64_t gpa;
	size_t part;
	void *addr;
	int i;

	*fault = 0;
	for (i = 0; len > 0; i++, gla += part, len -= part) {
		part = VMM_PAGE_SIZE - gla % VMM_PAGE_SIZE;
		if (part > len)
			part = len;
		if (i == iovcnt) {
			errno = EFAULT;
			return -1;
		}
		if (vm_gla2gpa(vcpu, paging, gla, prot, &gpa, fault) != 0)
			return -1;
		if (*fault)
			return 0;
		addr = vm_map_gpa(vcpu->ctx, gpa, part);
		if (addr == NULL) {
			errno = EFAULT;
			return -1;
		}
		iov[i].iov_base = addr;
		iov[i].iov_len = part;
	}
	return 0;
}

void vm_copyin(struct iovec *guest_iov, void *host_dst, size_t len)
{
	char *dst = host_dst;
	size_t part;

	for (; len > 0; guest_iov++, dst += part, len -= part) {
		part = guest_iov->iov_len < len ? guest_iov->iov_len : len;
		memcpy(dst, guest_iov->iov_base, part);
	}
}

void vm_copyout(const void *host_src, struct iovec *guest_iov, size_t len)
{
	const char *src = host_src;
	size_t part;

	for (; len > 0; guest_iov++, src += part, len -= part) {
		part = guest_iov->iov_len < len ? guest_iov->iov_len : len;
		memcpy(guest_iov->iov_base, src, part);
	}
}

void vm_copy_teardown(struct iovec *iov, int iovcnt)
{
	(void)iov;
	(void)iovcnt;
}
