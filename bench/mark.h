/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/*
 * Markers: what count.c looks for. A NOP of eight bytes, nopl MARK(%rax,%rax), that does nothing anywhere.
 */
#ifndef MARK_H
#define MARK_H

#define MARK_MAGIC	0x564d0000
#define MARK_MASK	0xffff0000
#define MARK(kind, id)	(MARK_MAGIC + (kind) * 0x1000 + (id))
#define MARK_KIND(mark)	((mark) >> 12 & 0xf)
#define MARK_ID(mark)	((mark) & 0xfff)

#define MARK_SELECT	1	/* windows from now on are of ID */
#define MARK_BEGIN	2
#define MARK_END	3
#define MARK_IDS	256	/* ids are below: KVM, the floor, then vmm from the middle on */
#define MARK_FLOOR	127
#define MARK_NONE	126	/* windows from now on do not count */

/*
 * Where there is no plugin, a debugger stops at this one, which does nothing either, and has each instruction noted until the next
 * (scripts/emuhost --trace). It is on both sides of a MARK_SELECT, and of the last TRACED windows of each kind.
 */
#define TRACED		3
#ifdef __ASSEMBLER__
#define TRACE_MARK	xchg %bx, %bx
#else
#define trace_mark(wanted)	do { if (wanted) __asm__ volatile("xchg %%bx, %%bx" : : : "memory"); } while (0)
#endif

#ifndef __ASSEMBLER__
#define MARK_STR_(x)	#x
#define MARK_STR(x)	MARK_STR_(x)
#define MARK_HERE(kind)	__asm__ volatile(".byte 0x0f, 0x1f, 0x84, 0x00\n\t.long " MARK_STR(MARK_MAGIC) " + " MARK_STR(kind) " * 0x1000" : : : "memory")
#define mark_begin()	MARK_HERE(MARK_BEGIN)
#define mark_end()	MARK_HERE(MARK_END)
void mark_select(unsigned int id);	/* select.S */
#endif

#endif /* MARK_H */
