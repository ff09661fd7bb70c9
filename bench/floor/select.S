/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
#include <linux/linkage.h>
#include <asm/asm.h>
#include <mark.h>

/* void floor_select(void): windows from now on are the floor's. */
SYM_FUNC_START(floor_select)
	TRACE_MARK
	.byte	0x0f, 0x1f, 0x84, 0x00
	.long	MARK(MARK_SELECT, MARK_FLOOR)
	TRACE_MARK
	RET
SYM_FUNC_END(floor_select)
