// SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
/* Statistics of a vCPU, as many as the kernel has, in requests of MAX_VM_STATS values. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>

#include "internal.h"

static int stats_reserve(struct vcpu *vcpu, int count)
{
	uint64_t *grown;

	if (count <= vcpu->stats_room)
		return 0;
	grown = realloc(vcpu->stats, (size_t)count * sizeof(grown[0]));
	if (grown == NULL)
		return -1;
	vcpu->stats = grown;
	vcpu->stats_room = count;
	return 0;
}

uint64_t *vm_get_stats(struct vcpu *vcpu, struct timeval *ret_tv, int *ret_entries)
{
	struct vm_stats arg;
	int total = 0;

	memset(&arg, 0, sizeof(arg));
	arg.cpuid = vcpu->id;
	do {
		arg.index = total;
		arg.num_entries = 0;
		if (stats_reserve(vcpu, total + MAX_VM_STATS) != 0 ||
		    ioctl(vcpu->ctx->fd, VM_STATS, &arg) != 0)
			return NULL;
		if (arg.num_entries < 0 || arg.num_entries > MAX_VM_STATS) {
			errno = EIO;
			return NULL;
		}
		memcpy(vcpu->stats + total, arg.statbuf,
		       (size_t)arg.num_entries * sizeof(uint64_t));
		total += arg.num_entries;
	} while (arg.num_entries == MAX_VM_STATS);
	if (ret_entries != NULL)
		*ret_entries = total;
	if (ret_tv != NULL)
		*ret_tv = arg.tv;
	return vcpu->stats;
}

const char *vm_get_stat_desc(struct vmctx *ctx, int index)
{
	struct vm_stat_desc arg;

	memset(&arg, 0, sizeof(arg));
	arg.index = index;
	if (ioctl(ctx->fd, VM_STAT_DESC, &arg) != 0)
		return NULL;
	memcpy(ctx->stat_desc, arg.desc, sizeof(ctx->stat_desc));
	ctx->stat_desc[sizeof(ctx->stat_desc) - 1] = '\0';
	return ctx->stat_desc;
}
