/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/*
 * What src/dev/ takes from the kernel, for a program of one thread. Every header of that name here
 * includes this one.
 *
 * Locks are checked instead of taken: not twice, the holder is who releases, and no two kinds of
 * lock in both orders. A breach ends the program.
 */
#ifndef LEGACY_SHIM_H
#define LEGACY_SHIM_H

#include <errno.h>
#include <limits.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

typedef uint8_t u8;
typedef uint16_t u16;
typedef uint32_t u32;
typedef unsigned long long u64;
typedef int32_t s32;
typedef long long s64;

#define U32_MAX			UINT32_MAX
#define U64_MAX			((u64)~0ULL)
#define S64_MAX			LLONG_MAX
#define S64_MIN			LLONG_MIN

#define BIT(n)			(1UL << (n))
#define BIT_ULL(n)		(1ULL << (n))
#define GENMASK(high, low)	((~0UL << (low)) & (~0UL >> (63 - (high))))
#define GENMASK_ULL(high, low)	((~0ULL << (low)) & (~0ULL >> (63 - (high))))

#define ARRAY_SIZE(array)	(sizeof(array) / sizeof((array)[0]))
#define container_of(ptr, type, member)	((type *)((char *)(ptr) - offsetof(type, member)))
#define min(a, b)		({ __auto_type min_a = (a); __auto_type min_b = (b); \
				   min_a < min_b ? min_a : min_b; })
#define max(a, b)		({ __auto_type max_a = (a); __auto_type max_b = (b); \
				   max_a > max_b ? max_a : max_b; })
#define min_t(type, a, b)	min((type)(a), (type)(b))
#define swap(a, b)		do { __auto_type swap_a = (a); (a) = (b); (b) = swap_a; } while (0)
#define check_add_overflow(a, b, sum)	__builtin_add_overflow(a, b, sum)
#define array_index_nospec(index, size)	((index) < (size) ? (index) : 0)
#define READ_ONCE(x)		(*(const volatile typeof(x) *)&(x))
#define WRITE_ONCE(x, val)	(*(volatile typeof(x) *)&(x) = (val))
#define __maybe_unused		__attribute__((unused))

#define MODULE_LICENSE(text)	struct shim_nothing
#define MODULE_DESCRIPTION(text)	struct shim_nothing

__attribute__((noreturn, format(printf, 1, 2))) void shim_die(const char *format, ...);
#define WARN_ON_ONCE(condition)	\
	({ bool warn = (condition); if (warn) shim_die("WARN: %s", #condition); warn; })

/* --- memory --- */

#define GFP_KERNEL		0
#define GFP_KERNEL_ACCOUNT	0
#define kzalloc(size, flags)	calloc(1, size)
#define kcalloc(n, size, flags)	calloc(n, size)
#define kfree(ptr)		free(ptr)

#define MAX_ERRNO		4095
#define ERR_PTR(err)		((void *)(long)(err))
#define PTR_ERR(ptr)		((long)(ptr))
#define IS_ERR(ptr)		((unsigned long)(ptr) >= (unsigned long)-MAX_ERRNO)

/* --- arithmetic --- */

#define NSEC_PER_SEC		1000000000L
#define OPTIMIZER_HIDE_VAR(x)		((void)(x))
#define mul_u64_u32_div(a, mul, div)	((u64)((unsigned __int128)(a) * (u32)(mul) / (u32)(div)))
#define DIV64_U64_ROUND_UP(a, b)	({ u64 div_b = (b); ((a) + div_b - 1) / div_b; })
#define DIV_ROUND_UP(a, b)	(((a) + (b) - 1) / (b))

/* --- bit maps --- */

#define DECLARE_BITMAP(name, bits)	unsigned long name[((bits) + 63) / 64]
#define test_bit(n, map)	(((map)[(n) / 64] >> (n) % 64) & 1)
#define set_bit(n, map)		((void)((map)[(n) / 64] |= 1UL << (n) % 64))
#define clear_bit(n, map)	((void)((map)[(n) / 64] &= ~(1UL << (n) % 64)))
#define for_each_set_bit(n, map, size)	\
	for ((n) = 0; (n) < (size); (n)++) if (test_bit(n, map))

/* --- lists --- */

struct list_head { struct list_head *next, *prev; };

#define INIT_LIST_HEAD(head)	((void)((head)->next = (head)->prev = (head)))
#define list_empty(head)	((head)->next == (head))

static inline void list_add_tail(struct list_head *item, struct list_head *head)
{
	item->next = head;
	item->prev = head->prev;
	head->prev->next = item;
	head->prev = item;
}

static inline void list_del_init(struct list_head *item)
{
	item->prev->next = item->next;
	item->next->prev = item->prev;
	INIT_LIST_HEAD(item);
}

#define list_for_each_entry(pos, head, member)					\
	for (pos = container_of((head)->next, typeof(*pos), member);		\
	     &pos->member != (head);						\
	     pos = container_of(pos->member.next, typeof(*pos), member))

/* --- locks --- */

typedef struct {
	const char *name;	/* its kind: the expression it was initialised by */
	bool held;
} raw_spinlock_t;

#define raw_spin_lock_init(lock)	(*(lock) = (raw_spinlock_t){ .name = #lock })
#define raw_spin_lock_irqsave(lock, flags)	((flags) = 0, shim_lock(lock))
#define raw_spin_unlock_irqrestore(lock, flags)	((void)(flags), shim_unlock(lock))
#define lockdep_assert_held(lock)	\
	((lock)->held ? (void)0 : shim_die("%s: %s is not held", __func__, #lock))

void shim_lock(raw_spinlock_t *lock);
void shim_unlock(raw_spinlock_t *lock);

/* There is one thread: nobody ever reads while somebody writes. */
typedef struct {
	unsigned int sequence;
	raw_spinlock_t *lock;
} seqcount_raw_spinlock_t;

#define seqcount_raw_spinlock_init(seq, lock_)	(*(seq) = (seqcount_raw_spinlock_t){ .lock = (lock_) })
#define read_seqcount_begin(seq)		((seq)->sequence)
#define read_seqcount_retry(seq, start)		((seq)->sequence != (start))
#define write_seqcount_begin(seq)		(lockdep_assert_held((seq)->lock), (seq)->sequence++)
#define write_seqcount_end(seq)			((seq)->sequence++)
unsigned int shim_locks_held(void);

/* --- hrtimer --- */

typedef s64 ktime_t;
#define KTIME_MAX		((s64)~((u64)1 << 63))
#define ns_to_ktime(ns)		((ktime_t)(ns))

enum hrtimer_restart { HRTIMER_NORESTART, HRTIMER_RESTART };
enum hrtimer_mode { HRTIMER_MODE_ABS_HARD = 8 };

struct hrtimer {
	enum hrtimer_restart (*function)(struct hrtimer *timer);
	bool queued;
	ktime_t expires;
};

#define CLOCK_MONOTONIC		1
#define hrtimer_init(timer, clock, mode)	(*(timer) = (struct hrtimer){ 0 })
#define hrtimer_start(timer, when, mode)	\
	((void)((timer)->queued = true, (timer)->expires = (when)))
#define hrtimer_try_to_cancel(timer)	((void)((timer)->queued = false))
#define hrtimer_cancel(timer)		((void)((timer)->queued = false))

extern u64 shim_ktime_ns;	/* what the host's clock shows */
#define ktime_get_ns()		shim_ktime_ns
#define rdtsc_ordered()		(shim_ktime_ns * 3)

#endif
