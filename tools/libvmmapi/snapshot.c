// SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
/* Snapshots of the kernel's half of a machine. */
#include <sys/ioctl.h>

#include "internal.h"

int vm_snapshot_req(struct vmctx *ctx, struct vm_snapshot_meta *meta)
{
	return ioctl(ctx->fd, VM_SNAPSHOT_REQ, meta);
}

int vm_restore_time(struct vmctx *ctx)
{
	int dummy = 0;

	return ioctl(ctx->fd, VM_RESTORE_TIME, &dummy);
}
