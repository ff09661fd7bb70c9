// SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
/*
 * Devices that the kernel emulates: the three with registers in memory, the HPET's identity, the
 * clock.
 */
#include <errno.h>
#include <string.h>
#include <sys/ioctl.h>

#include "internal.h"

int vm_readwrite_kernemu_device(struct vcpu *vcpu, vm_paddr_t gpa, bool write, int size,
				uint64_t *value)
{
	struct vm_readwrite_kernemu_device arg;

	if (size != 1 && size != 2 && size != 4 && size != 8) {
		errno = EINVAL;
		return -1;
	}
	memset(&arg, 0, sizeof(arg));
	arg.vcpuid = vcpu->id;
	arg.access_width = (unsigned int)__builtin_ctz((unsigned int)size) & 7;
	arg.gpa = gpa;
	arg.value = *value;
	if (ioctl(vcpu->ctx->fd, write ? VM_SET_KERNEMU_DEV : VM_GET_KERNEMU_DEV, &arg) != 0)
		return -1;
	if (!write)
		*value = arg.value;
	return 0;
}

int vm_get_hpet_capabilities(struct vmctx *ctx, uint32_t *capabilities)
{
	struct vm_hpet_cap arg = { 0 };

	if (ioctl(ctx->fd, VM_GET_HPET_CAPABILITIES, &arg) != 0)
		return -1;
	*capabilities = arg.capabilities;
	return 0;
}

int vm_rtc_write(struct vmctx *ctx, int offset, uint8_t value)
{
	struct vm_rtc_data arg = { .offset = offset, .value = value };

	return ioctl(ctx->fd, VM_RTC_WRITE, &arg);
}

int vm_rtc_read(struct vmctx *ctx, int offset, uint8_t *retval)
{
	struct vm_rtc_data arg = { .offset = offset };

	if (ioctl(ctx->fd, VM_RTC_READ, &arg) != 0)
		return -1;
	*retval = arg.value;
	return 0;
}

int vm_rtc_settime(struct vmctx *ctx, time_t secs)
{
	struct vm_rtc_time arg = { .secs = secs };

	return ioctl(ctx->fd, VM_RTC_SETTIME, &arg);
}

int vm_rtc_gettime(struct vmctx *ctx, time_t *secs)
{
	struct vm_rtc_time arg = { 0 };

	if (ioctl(ctx->fd, VM_RTC_GETTIME, &arg) != 0)
		return -1;
	*secs = arg.secs;
	return 0;
}
