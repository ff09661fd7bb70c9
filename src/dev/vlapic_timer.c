// SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
/*
 * One tick of the undivided timer is 1e9 / 2^27 ns, which is exactly
 * 1953125 / 2^18 ns: times are kept in ns with an 18-bit fraction, so that a
 * periodic timer does not drift. The longest period, 2^32 - 1 counts divided
 * by 128, is below 2^39 ticks, hence below 2^60 in that format.
 *
 * The callback runs in hard IRQ context on any CPU. It can be late, and it can
 * find that the vCPU's thread has stopped or moved the timer meanwhile; what
 * counts is the state under timer->lock. The interrupt is delivered with the
 * lock held: after a register write that stops the timer none can follow.
 */
#include <linux/errno.h>
#include <linux/kernel.h>
#include <linux/math64.h>
#include <linux/minmax.h>
#include "vlapic.h"
#include "vlapic_timer.h"

#define FRAC_BITS	18
#define FRAC_MASK	(BIT(FRAC_BITS) - 1)
#define TICK_FP		1953125ULL		/* one tick, in ns << FRAC_BITS */
#define MIN_PERIOD_FP	(VTIMER_MIN_PERIOD_NS << FRAC_BITS)

static_assert(TICK_FP * VLAPIC_TIMER_HZ == 1000000000ULL << FRAC_BITS, "one second of ticks");

/* log2 of the divider: 000b is 2, 110b is 128, 111b is 1 (SDM vol. 3 figure 11-10). */
static u8 vlapic_timer_shift(u8 config)
{
	u8 code = (config & 3) | (config >> 1 & 4);

	return (code + 1) & 7;
}

static void vlapic_timer_disarm(struct vlapic_timer *timer)
{
	timer->armed = false;
	WRITE_ONCE(timer->deadline_tsc, 0);
	vtimer_cancel(&timer->vtimer);
}

static void vlapic_timer_arm(struct vlapic_timer *timer, u64 expires_ns)
{
	timer->armed = true;
	timer->expires_ns = expires_ns;
	vtimer_arm(&timer->vtimer, expires_ns);
}

/* Load the initial count and let it run from @from_ns and the fraction of the last expiry. */
static void vlapic_timer_load(struct vlapic_timer *timer, u64 from_ns)
{
	u64 period_fp;

	timer->shift = vlapic_timer_shift(timer->divide_config);
	period_fp = ((u64)timer->initial_count << timer->shift) * TICK_FP;
	if (timer->mode == VLAPIC_TIMER_PERIODIC)
		period_fp = max(period_fp, MIN_PERIOD_FP);
	timer->period_ns = period_fp >> FRAC_BITS;
	timer->expires_frac += period_fp & FRAC_MASK;
	vlapic_timer_arm(timer, from_ns + timer->period_ns + (timer->expires_frac >> FRAC_BITS));
	timer->expires_frac &= FRAC_MASK;
}

static void vlapic_timer_start(struct vlapic_timer *timer)
{
	timer->expires_frac = 0;
	vlapic_timer_load(timer, vclock_now_ns(timer->vtimer.clock));
}

/* A periodic timer that is more than a period behind starts a new time base. */
static void vlapic_timer_reload(struct vlapic_timer *timer, u64 now_ns)
{
	if (now_ns - timer->expires_ns > timer->period_ns) {
		timer->expires_frac = 0;
		vlapic_timer_load(timer, now_ns);
	} else {
		vlapic_timer_load(timer, timer->expires_ns);
	}
}

static void vlapic_timer_fire(struct vtimer *vtimer)
{
	struct vlapic_timer *timer = container_of(vtimer, struct vlapic_timer, vtimer);
	unsigned long flags;
	u64 now_ns;

	raw_spin_lock_irqsave(&timer->lock, flags);
	now_ns = vclock_now_ns(vtimer->clock);
	/* Not yet: it was moved after this callback had begun, and comes again. */
	if (!timer->armed || now_ns < timer->expires_ns)
		goto out;
	if (timer->mode == VLAPIC_TIMER_PERIODIC)
		vlapic_timer_reload(timer, now_ns);
	else
		vlapic_timer_disarm(timer);
	vlapic_trigger_lvt(timer->vlapic, APIC_LVT_TIMER);
out:
	raw_spin_unlock_irqrestore(&timer->lock, flags);
}

void vlapic_timer_init(struct vlapic_timer *timer, struct vclock *clock, struct vlapic *vlapic)
{
	timer->vlapic = vlapic;
	raw_spin_lock_init(&timer->lock);
	vtimer_init(&timer->vtimer, clock, vlapic_timer_fire);
}

void vlapic_timer_destroy(struct vlapic_timer *timer)
{
	vtimer_destroy(&timer->vtimer);
}

void vlapic_timer_reset(struct vlapic_timer *timer)
{
	unsigned long flags;

	raw_spin_lock_irqsave(&timer->lock, flags);
	vlapic_timer_disarm(timer);
	timer->mode = VLAPIC_TIMER_ONESHOT;
	timer->initial_count = 0;
	timer->divide_config = 0;
	raw_spin_unlock_irqrestore(&timer->lock, flags);
}

void vlapic_timer_set_mode(struct vlapic_timer *timer, enum vlapic_timer_mode mode)
{
	unsigned long flags;

	raw_spin_lock_irqsave(&timer->lock, flags);
	/* DEADLINE entered or left. */
	if (timer->mode != mode &&
	    (timer->mode == VLAPIC_TIMER_DEADLINE || mode == VLAPIC_TIMER_DEADLINE)) {
		vlapic_timer_disarm(timer);
		timer->initial_count = 0;
	}
	timer->mode = mode;
	raw_spin_unlock_irqrestore(&timer->lock, flags);
}

void vlapic_timer_set_count(struct vlapic_timer *timer, u32 count)
{
	unsigned long flags;

	raw_spin_lock_irqsave(&timer->lock, flags);
	if (timer->mode != VLAPIC_TIMER_DEADLINE) {
		timer->initial_count = count;
		if (count)
			vlapic_timer_start(timer);
		else
			vlapic_timer_disarm(timer);
	}
	raw_spin_unlock_irqrestore(&timer->lock, flags);
}

/* The next two registers are written by the reader's own thread alone: no lock. */
u32 vlapic_timer_count(struct vlapic_timer *timer)
{
	return timer->initial_count;
}

u32 vlapic_timer_divide(struct vlapic_timer *timer)
{
	return timer->divide_config;
}

void vlapic_timer_set_divide(struct vlapic_timer *timer, u32 config)
{
	unsigned long flags;

	raw_spin_lock_irqsave(&timer->lock, flags);
	timer->divide_config = config & 0xb;
	raw_spin_unlock_irqrestore(&timer->lock, flags);
}

/* Time until the count is 0; of the period under way if the callback is late. */
static u64 vlapic_timer_remaining_ns(const struct vlapic_timer *timer, u64 now_ns)
{
	u64 late_ns;

	if (now_ns < timer->expires_ns)
		return timer->expires_ns - now_ns;
	if (timer->mode != VLAPIC_TIMER_PERIODIC)
		return 0;
	div64_u64_rem(now_ns - timer->expires_ns, timer->period_ns, &late_ns);
	return timer->period_ns - late_ns;
}

u32 vlapic_timer_current_count(struct vlapic_timer *timer)
{
	unsigned long flags;
	u64 ticks = 0;

	raw_spin_lock_irqsave(&timer->lock, flags);
	if (timer->armed && timer->mode != VLAPIC_TIMER_DEADLINE) {
		u64 remaining_ns = vlapic_timer_remaining_ns(timer,
							     vclock_now_ns(timer->vtimer.clock));

		ticks = DIV64_U64_ROUND_UP(remaining_ns << FRAC_BITS, TICK_FP << timer->shift);
		ticks = min_t(u64, ticks, timer->initial_count);
	}
	raw_spin_unlock_irqrestore(&timer->lock, flags);
	return ticks;
}

void vlapic_timer_stop(struct vlapic_timer *timer)
{
	unsigned long flags;

	raw_spin_lock_irqsave(&timer->lock, flags);
	vlapic_timer_disarm(timer);
	raw_spin_unlock_irqrestore(&timer->lock, flags);
}

void vlapic_timer_restart(struct vlapic_timer *timer)
{
	unsigned long flags;

	raw_spin_lock_irqsave(&timer->lock, flags);
	if (timer->mode == VLAPIC_TIMER_PERIODIC && timer->initial_count)
		vlapic_timer_start(timer);
	raw_spin_unlock_irqrestore(&timer->lock, flags);
}

/* --- TSC deadline ----------------------------------------------------- */

#define DEADLINE_MAX_MS	BIT_ULL(40)	/* 34 years: further off is never */

/* TSC cycles to ns, rounded up so that the deadline has passed when the timer fires. */
static u64 vlapic_timer_cycles_ns(u64 cycles, u32 tsc_khz)
{
	u32 rest;
	u64 ms = div_u64_rem(cycles, tsc_khz, &rest);

	return min(ms, DEADLINE_MAX_MS) * 1000000 +
	       div_u64((u64)rest * 1000000 + tsc_khz - 1, tsc_khz);
}

int vlapic_timer_set_deadline(struct vlapic_timer *timer, u64 deadline_tsc, u64 tsc_offset,
			      u32 tsc_khz)
{
	struct vclock *clock = timer->vtimer.clock;
	unsigned long flags;
	u64 now_tsc, now_ns, delta;

	if (!tsc_khz)
		return -EINVAL;
	raw_spin_lock_irqsave(&timer->lock, flags);
	if (timer->mode == VLAPIC_TIMER_DEADLINE) {
		vlapic_timer_disarm(timer);
		now_ns = vclock_now_ns(clock);
		now_tsc = clock->source->tsc() + tsc_offset;
		delta = deadline_tsc > now_tsc ? deadline_tsc - now_tsc : 0;
		if (deadline_tsc) {
			WRITE_ONCE(timer->deadline_tsc, deadline_tsc);
			vlapic_timer_arm(timer, now_ns + vlapic_timer_cycles_ns(delta, tsc_khz));
		}
	}
	raw_spin_unlock_irqrestore(&timer->lock, flags);
	return 0;
}

u64 vlapic_timer_deadline(struct vlapic_timer *timer)
{
	/* Cleared by the callback. */
	return READ_ONCE(timer->deadline_tsc);
}

/* --- snapshot --------------------------------------------------------- */

/* A count of 2^32 - 1 divided by 128. */
#define PERIOD_MAX_NS	((u64)(TICK_FP << 39 >> FRAC_BITS))

void vlapic_timer_save(struct vlapic_timer *timer, struct vlapic_timer_state *state)
{
	unsigned long flags;
	u64 now_ns;

	raw_spin_lock_irqsave(&timer->lock, flags);
	now_ns = vclock_now_ns(timer->vtimer.clock);
	*state = (struct vlapic_timer_state){
		.mode = timer->mode,
		.initial_count = timer->initial_count,
		.divide_config = timer->divide_config,
		.shift = timer->shift,
		.armed = timer->armed,
		.expires_frac = timer->expires_frac,
		.period_ns = timer->period_ns,
		.deadline_tsc = timer->deadline_tsc,
	};
	if (timer->armed && timer->expires_ns > now_ns)
		state->expires_in_ns = timer->expires_ns - now_ns;
	raw_spin_unlock_irqrestore(&timer->lock, flags);
}

bool vlapic_timer_state_valid(const struct vlapic_timer_state *state)
{
	bool deadline = state->mode == VLAPIC_TIMER_DEADLINE;

	if ((state->divide_config & ~0xb) || state->shift > 7 || (state->expires_frac & ~FRAC_MASK))
		return false;
	if (!!state->deadline_tsc != (state->armed && deadline))
		return false;
	if (!state->armed && state->expires_in_ns)
		return false;
	if (!state->armed || deadline)
		return state->period_ns <= PERIOD_MAX_NS;
	return state->period_ns >= TICK_FP >> FRAC_BITS && state->period_ns <= PERIOD_MAX_NS &&
	       state->expires_in_ns <= PERIOD_MAX_NS + 1;
}

void vlapic_timer_restore(struct vlapic_timer *timer, const struct vlapic_timer_state *state)
{
	unsigned long flags;

	raw_spin_lock_irqsave(&timer->lock, flags);
	vlapic_timer_disarm(timer);
	timer->mode = state->mode;
	timer->initial_count = state->initial_count;
	timer->divide_config = state->divide_config;
	timer->shift = state->shift;
	timer->expires_frac = state->expires_frac;
	timer->period_ns = state->period_ns;
	WRITE_ONCE(timer->deadline_tsc, state->deadline_tsc);
	if (state->armed)
		vlapic_timer_arm(timer, vclock_now_ns(timer->vtimer.clock) + state->expires_in_ns);
	raw_spin_unlock_irqrestore(&timer->lock, flags);
}
