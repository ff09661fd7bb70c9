/* SPDX-License-Identifier: BSD-2-Clause */
/* What src/dev/ uses of the kernel, for a program in user space. Every other header here includes this one. */
#ifndef SHIM_H
#define SHIM_H

#include <assert.h>
#include <errno.h>
#include <limits.h>
#include <sched.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

typedef uint8_t u8;
typedef uint16_t u16;
typedef uint32_t u32;
typedef uint64_t u64;
typedef int8_t s8;
typedef int16_t s16;
typedef int32_t s32;
typedef int64_t s64;

#define BITS_PER_LONG		64
#define BIT(n)			(1UL << (n))
#define BIT_ULL(n)		(1ULL << (n))
#define GENMASK(high, low)	((~0UL << (low)) & (~0UL >> (BITS_PER_LONG - 1 - (high))))
#define BITS_TO_LONGS(n)	(((n) + BITS_PER_LONG - 1) / BITS_PER_LONG)
#define DECLARE_BITMAP(name, bits) unsigned long name[BITS_TO_LONGS(bits)]
#define ARRAY_SIZE(a)		(sizeof(a) / sizeof((a)[0]))
#define container_of(ptr, type, member) ((type *)((char *)(ptr) - offsetof(type, member)))

#define min_t(type, a, b)	({ type min_a = (a), min_b = (b); min_a < min_b ? min_a : min_b; })
#define max_t(type, a, b)	({ type max_a = (a), max_b = (b); max_a > max_b ? max_a : max_b; })
#define min(a, b)		min_t(typeof(a), a, b)
#define max(a, b)		max_t(typeof(a), a, b)
#define max3(a, b, c)		max(max(a, b), c)

/* Relaxed atomics, so that the thread sanitizer knows them. */
#define READ_ONCE(x)		__atomic_load_n(&(x), __ATOMIC_RELAXED)
#define WRITE_ONCE(x, val)	__atomic_store_n(&(x), (val), __ATOMIC_RELAXED)
#define smp_load_acquire(p)	__atomic_load_n(p, __ATOMIC_ACQUIRE)
#define smp_store_release(p, v)	__atomic_store_n(p, v, __ATOMIC_RELEASE)

typedef struct { int counter; } atomic_t;

static inline int atomic_fetch_or(int mask, atomic_t *v)
{
	return __atomic_fetch_or(&v->counter, mask, __ATOMIC_SEQ_CST);
}

static inline void atomic_or(int mask, atomic_t *v)
{
	__atomic_fetch_or(&v->counter, mask, __ATOMIC_RELAXED);
}

static inline int atomic_xchg(atomic_t *v, int val)
{
	return __atomic_exchange_n(&v->counter, val, __ATOMIC_SEQ_CST);
}

#define xchg(p, val)		__atomic_exchange_n(p, val, __ATOMIC_SEQ_CST)

static inline int atomic_read(const atomic_t *v)
{
	return __atomic_load_n(&v->counter, __ATOMIC_RELAXED);
}

static inline void atomic_set(atomic_t *v, int val)
{
	__atomic_store_n(&v->counter, val, __ATOMIC_RELAXED);
}

/* Bits. */
#define BIT_WORD(map, n)	((map)[(n) / BITS_PER_LONG])
#define BIT_MASK(n)	BIT((n) % BITS_PER_LONG)

static inline bool test_bit(unsigned long n, const unsigned long *map)
{
	return READ_ONCE(BIT_WORD(map, n)) & BIT_MASK(n);
}

static inline void set_bit(unsigned long n, unsigned long *map)
{
	__atomic_fetch_or(&BIT_WORD(map, n), BIT_MASK(n), __ATOMIC_RELAXED);
}

static inline void clear_bit(unsigned long n, unsigned long *map)
{
	__atomic_fetch_and(&BIT_WORD(map, n), ~BIT_MASK(n), __ATOMIC_RELAXED);
}

static inline void assign_bit(unsigned long n, unsigned long *map, bool val)
{
	if (val)
		set_bit(n, map);
	else
		clear_bit(n, map);
}

static inline bool test_and_set_bit(unsigned long n, unsigned long *map)
{
	return __atomic_fetch_or(&BIT_WORD(map, n), BIT_MASK(n), __ATOMIC_SEQ_CST) & BIT_MASK(n);
}

static inline bool test_and_clear_bit(unsigned long n, unsigned long *map)
{
	return __atomic_fetch_and(&BIT_WORD(map, n), ~BIT_MASK(n), __ATOMIC_SEQ_CST) & BIT_MASK(n);
}

static inline void __set_bit(unsigned long n, unsigned long *map)
{
	BIT_WORD(map, n) |= BIT_MASK(n);
}

static inline void __clear_bit(unsigned long n, unsigned long *map)
{
	BIT_WORD(map, n) &= ~BIT_MASK(n);
}

static inline unsigned long __fls(unsigned long word)
{
	return BITS_PER_LONG - 1 - __builtin_clzl(word);
}

static inline unsigned long find_next_bit(const unsigned long *map, unsigned long bits,
					  unsigned long n)
{
	while (n < bits && !test_bit(n, map))
		n++;
	return n;
}

#define for_each_set_bit(n, map, bits)					\
	for ((n) = find_next_bit(map, bits, 0); (n) < (bits);		\
	     (n) = find_next_bit(map, bits, (n) + 1))

static inline void bitmap_zero(unsigned long *map, unsigned int bits)
{
	unsigned int i;

	for (i = 0; i < BITS_TO_LONGS(bits); i++)
		WRITE_ONCE(map[i], 0);
}

static inline bool bitmap_empty(const unsigned long *map, unsigned int bits)
{
	return find_next_bit(map, bits, 0) >= bits;
}

/* Division. */
static inline u64 div_u64_rem(u64 dividend, u32 divisor, u32 *rest)
{
	*rest = dividend % divisor;
	return dividend / divisor;
}

static inline u64 div_u64(u64 dividend, u32 divisor)
{
	return dividend / divisor;
}

static inline u64 div64_u64_rem(u64 dividend, u64 divisor, u64 *rest)
{
	*rest = dividend % divisor;
	return dividend / divisor;
}

#define OPTIMIZER_HIDE_VAR(x)	((void)(x))

static inline u64 mul_u64_u32_div(u64 a, u32 mul, u32 divisor)
{
	return (unsigned __int128)a * mul / divisor;
}

#define DIV64_U64_ROUND_UP(a, b)	(((a) + (b) - 1) / (b))

/* Memory. */
#define GFP_KERNEL_ACCOUNT	0

static inline void *kcalloc(size_t n, size_t size, int gfp)
{
	return calloc(n, size);
}

static inline void *kzalloc(size_t size, int gfp)
{
	return calloc(1, size);
}

static inline void kfree(void *p)
{
	free(p);
}

#define kvcalloc(n, size, gfp)	kcalloc(n, size, gfp)
#define kvfree(p)		kfree(p)

#define MAX_ERRNO	4095

static inline void *ERR_PTR(long err)
{
	return (void *)err;
}

static inline bool IS_ERR(const void *p)
{
	return (unsigned long)p >= (unsigned long)-MAX_ERRNO;
}

/* A raw spinlock that knows its holder: taking it twice is a deadlock, found at once. */
typedef struct { int held; void *owner; } raw_spinlock_t;

extern __thread char shim_thread;	/* its address names the thread */

static inline void raw_spin_lock_init(raw_spinlock_t *lock)
{
	lock->held = 0;
	lock->owner = NULL;
}

static inline void raw_spin_lock(raw_spinlock_t *lock)
{
	assert(READ_ONCE(lock->owner) != &shim_thread);
	while (__atomic_exchange_n(&lock->held, 1, __ATOMIC_ACQUIRE))
		sched_yield();
	WRITE_ONCE(lock->owner, (void *)&shim_thread);
}

static inline void raw_spin_unlock(raw_spinlock_t *lock)
{
	assert(READ_ONCE(lock->owner) == &shim_thread);
	WRITE_ONCE(lock->owner, NULL);
	__atomic_store_n(&lock->held, 0, __ATOMIC_RELEASE);
}

#define raw_spin_lock_irqsave(lock, flags)	((flags) = 0, raw_spin_lock(lock))
#define raw_spin_unlock_irqrestore(lock, flags)	((void)(flags), raw_spin_unlock(lock))
#define lockdep_assert_held(lock)		assert(READ_ONCE((lock)->owner) == &shim_thread)

/* A sequence counter: odd while somebody writes. */
typedef struct { unsigned int sequence; raw_spinlock_t *lock; } seqcount_raw_spinlock_t;

static inline void seqcount_raw_spinlock_init(seqcount_raw_spinlock_t *seq, raw_spinlock_t *lock)
{
	seq->sequence = 0;
	seq->lock = lock;
}

static inline unsigned int read_seqcount_begin(const seqcount_raw_spinlock_t *seq)
{
	unsigned int sequence;

	while ((sequence = __atomic_load_n(&seq->sequence, __ATOMIC_SEQ_CST)) & 1)
		sched_yield();
	return sequence;
}

static inline bool read_seqcount_retry(const seqcount_raw_spinlock_t *seq, unsigned int sequence)
{
	/* A write that writes nothing, so that no load before it comes after it. */
	return __atomic_fetch_add((unsigned int *)&seq->sequence, 0, __ATOMIC_SEQ_CST) != sequence;
}

static inline void write_seqcount_begin(seqcount_raw_spinlock_t *seq)
{
	assert(READ_ONCE(seq->lock->owner) == &shim_thread);
	__atomic_fetch_add(&seq->sequence, 1, __ATOMIC_SEQ_CST);
}

static inline void write_seqcount_end(seqcount_raw_spinlock_t *seq)
{
	__atomic_fetch_add(&seq->sequence, 1, __ATOMIC_SEQ_CST);
}

/* Lists. */
struct list_head { struct list_head *next, *prev; };

static inline void INIT_LIST_HEAD(struct list_head *list)
{
	list->next = list;
	list->prev = list;
}

static inline void list_add_tail(struct list_head *entry, struct list_head *list)
{
	entry->prev = list->prev;
	entry->next = list;
	list->prev->next = entry;
	list->prev = entry;
}

static inline void list_del_init(struct list_head *entry)
{
	entry->prev->next = entry->next;
	entry->next->prev = entry->prev;
	INIT_LIST_HEAD(entry);
}

#define list_for_each_entry(pos, head, member)					\
	for ((pos) = container_of((head)->next, typeof(*(pos)), member);	\
	     &(pos)->member != (head);						\
	     (pos) = container_of((pos)->member.next, typeof(*(pos)), member))

/* The host's clock and its hrtimers: compiled, never used. */
#define U64_MAX			UINT64_MAX
#define NSEC_PER_SEC		1000000000L
#define KTIME_MAX		INT64_MAX
#define CLOCK_MONOTONIC		1
#define ns_to_ktime(ns)		(ns)
#define check_add_overflow(a, b, sum)	__builtin_add_overflow(a, b, sum)

enum hrtimer_restart { HRTIMER_NORESTART };
enum hrtimer_mode { HRTIMER_MODE_ABS_HARD };
struct hrtimer { enum hrtimer_restart (*function)(struct hrtimer *timer); };

#define hrtimer_init(timer, clock, mode)	((void)(timer))
#define hrtimer_start(timer, time, mode)	((void)(timer), (void)(time))
#define hrtimer_try_to_cancel(timer)		((void)(timer))
#define hrtimer_cancel(timer)			((void)(timer))
#define ktime_get_ns()				0ULL
#define rdtsc_ordered()				0ULL

#endif
