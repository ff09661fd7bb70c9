// SPDX-License-Identifier: BSD-2-Clause
/*
 * Owners, senders and the timer at the same time: nothing is lost, nothing
 * stays behind, and the thread sanitizer, in its own build, has no complaint.
 */
#include <pthread.h>
#include "test.h"

#define OWNERS		2
#define SENDERS		2
#define PINS		4	/* a sender */
#define VECTORS		8	/* a sender */
#define ROUNDS		10000

static struct board *board;

static struct {
	u32 sent[256];		/* by the vector's sender, before it sends */
	u32 served[OWNERS][256];	/* by the owner, what it saw sent when it accepted */
	int senders;		/* still running */
	int owners;
	unsigned int lost, stale;
} race;

struct rng { u64 state; };

static u32 rng_below(struct rng *rng, u32 n)
{
	rng->state = rng->state * 6364136223846793005ULL + 1442695040888963407ULL;
	return (rng->state >> 33) % n;
}

static u8 sender_vector(unsigned int sender, unsigned int n)
{
	return 0x31 + 0x40 * sender + 5 * n;
}

static bool senders_run(void)
{
	return READ_ONCE(race.senders);
}

/* Accept the highest vector and finish it; false if there is none. */
static bool owner_serve(unsigned int id)
{
	struct vlapic *vlapic = board_vlapic(board, id);
	int vector = vlapic_pending_intr(vlapic);

	if (vector < 0)
		return false;
	vlapic_intr_accepted(vlapic, vector);
	/* What the guest's handler would look at. */
	WRITE_ONCE(race.served[id][vector], __atomic_load_n(&race.sent[vector], __ATOMIC_ACQUIRE));
	lapic_put(vlapic, R_EOI, 0);
	return true;
}

static void *run_owner(void *arg)
{
	unsigned int id = (unsigned long)arg;
	struct vlapic *vlapic = board_vlapic(board, id);
	struct rng rng = { id + 1 };

	while (senders_run()) {
		if (!owner_serve(id))
			sched_yield();
		if (!rng_below(&rng, 8))
			lapic_put(vlapic, R_TPR, rng_below(&rng, 0x40));
		if (!rng_below(&rng, 16))
			lapic_put(vlapic, R_TPR, 0);
		lapic_get(vlapic, R_IRR + rng_below(&rng, 8));
	}
	lapic_put(vlapic, R_TPR, 0);
	while (owner_serve(id))
		;
	__atomic_fetch_sub(&race.owners, 1, __ATOMIC_RELEASE);
	return NULL;
}

/* --- owners whose interrupts a processor delivers ------------------------- */

static u8 pages[OWNERS][VLAPIC_PAGE_SIZE] __attribute__((aligned(8)));

static u32 *page_dword(unsigned int id, unsigned int reg, u8 vector)
{
	return (u32 *)&pages[id][(reg + vector / 32) << 4];
}

/* Highest vector of a register of 256 bits in the page, 0 if there is none. */
static u8 page_highest(unsigned int id, unsigned int reg)
{
	int vector;

	for (vector = 255; vector > 0; vector--)
		if (*page_dword(id, reg, vector) & BIT(vector % 32))
			return vector;
	return 0;
}

/* One stay in the guest: what waits is delivered and finished, or, now and then, an exit comes first. */
static bool guest_serve(unsigned int id, bool exit_first, bool exit_in_handler)
{
	struct vlapic *vlapic = board_vlapic(board, id);
	u16 status = vlapic_page_load(vlapic, true);
	u8 vector = status & 0xff;

	CHECK(vector == page_highest(id, R_IRR) && status >> 8 == page_highest(id, R_ISR));
	if (!vector || exit_first) {
		vlapic_page_save(vlapic, status);
		return vector;
	}
	*page_dword(id, R_IRR, vector) &= ~BIT(vector % 32);
	WRITE_ONCE(race.served[id][vector], __atomic_load_n(&race.sent[vector], __ATOMIC_ACQUIRE));
	if (exit_in_handler) {
		*page_dword(id, R_ISR, vector) |= BIT(vector % 32);
		vlapic_page_save(vlapic, vector << 8 | page_highest(id, R_IRR));
		CHECK(set_has(vlapic, R_ISR, vector));
		lapic_put(vlapic, R_EOI, 0);
	} else {
		vlapic_page_save(vlapic, page_highest(id, R_IRR));
	}
	return true;
}

static void *run_guest(void *arg)
{
	unsigned int id = (unsigned long)arg;
	struct rng rng = { id + 31 };

	vlapic_attach_page(board_vlapic(board, id), pages[id]);
	while (senders_run())
		if (!guest_serve(id, !rng_below(&rng, 8), !rng_below(&rng, 2)))
			sched_yield();
	while (guest_serve(id, false, false))
		;
	__atomic_fetch_sub(&race.owners, 1, __ATOMIC_RELEASE);
	return NULL;
}

/* --- senders --------------------------------------------------------------- */

/* Send a burst, then wait until the owner has seen what was true when it was sent. */
static void sender_burst(unsigned int sender, struct rng *rng)
{
	unsigned int target = rng_below(rng, OWNERS), n, spins = 0;

	for (n = 0; n < VECTORS; n++) {
		u8 vector = sender_vector(sender, n);

		__atomic_fetch_add(&race.sent[vector], 1, __ATOMIC_RELAXED);
		vlapic_set_irr(board_vlapic(board, target), vector, false);
	}
	for (n = 0; n < VECTORS; n++) {
		u8 vector = sender_vector(sender, n);

		while (READ_ONCE(race.served[target][vector]) != READ_ONCE(race.sent[vector])) {
			sched_yield();
			if (++spins > 10000000) {
				__atomic_fetch_add(&race.lost, 1, __ATOMIC_RELAXED);
				return;
			}
		}
	}
}

static void *run_sender(void *arg)
{
	unsigned int sender = (unsigned long)arg, i;
	struct rng rng = { sender + 77 };

	for (i = 0; i < ROUNDS / VECTORS && !READ_ONCE(race.lost); i++)
		sender_burst(sender, &rng);
	__atomic_fetch_sub(&race.senders, 1, __ATOMIC_RELEASE);
	return NULL;
}

static void *run_clock(void *arg)
{
	while (READ_ONCE(race.owners)) {
		clock_run(clock_now_ns + 30000);
		sched_yield();
	}
	return NULL;
}

static void race_run(void *(*owner)(void *), void *(*sender)(void *))
{
	pthread_t threads[OWNERS + SENDERS + 1];
	unsigned long i;

	memset(&race, 0, sizeof(race));
	race.senders = SENDERS;
	race.owners = OWNERS;
	for (i = 0; i < OWNERS; i++)
		CHECK_EQ(pthread_create(&threads[i], NULL, owner, (void *)i), 0);
	for (; i < OWNERS + SENDERS; i++)
		CHECK_EQ(pthread_create(&threads[i], NULL, sender, (void *)(i - OWNERS)), 0);
	CHECK_EQ(pthread_create(&threads[i], NULL, run_clock, NULL), 0);
	for (i = 0; i < ARRAY_SIZE(threads); i++)
		pthread_join(threads[i], NULL);
}

static void race_board(void)
{
	unsigned int id;

	board = board_create(VCPUS, OWNERS, OWNERS);
	for (id = 0; id < OWNERS; id++) {
		lapic_enable(board_vlapic(board, id));
		lapic_put(board_vlapic(board, id), R_LDR, 0x01000000U << id);
	}
}

static void race_nothing_lost(void)
{
	race_board();
	race_run(run_owner, run_sender);
	CHECK_EQ(race.lost, 0);
	board_destroy(board);
}

static void race_nothing_lost_in_the_page(void)
{
	race_board();
	race_run(run_guest, run_sender);
	CHECK_EQ(race.lost, 0);
	board_destroy(board);
}

/* --- level lines ---------------------------------------------------------- */

static void *run_line_sender(void *arg)
{
	unsigned int sender = (unsigned long)arg, i;
	struct vioapic *vioapic = board->irq.vioapic;
	struct rng rng = { sender + 99 };

	for (i = 0; i < ROUNDS; i++) {
		int pin = sender * PINS + rng_below(&rng, PINS);

		vioapic_assert(vioapic, pin);
		if (rng_below(&rng, 2))
			sched_yield();
		vioapic_deassert(vioapic, pin);
	}
	__atomic_fetch_sub(&race.senders, 1, __ATOMIC_RELEASE);
	return NULL;
}

/* When all lines are down and all is served, no pin waits for an EOI; and a line that goes up arrives. */
static void race_level_lines(void)
{
	int pin;

	race_board();
	for (pin = 0; pin < SENDERS * PINS; pin++)
		ioapic_put_rte(board, pin, (u64)(1 + pin % OWNERS) << 56 | 0x8800 |
			       (0x40 + pin * 8));
	race_run(run_owner, run_line_sender);
	while (owner_serve(0) || owner_serve(1))
		;
	for (pin = 0; pin < SENDERS * PINS; pin++) {
		CHECK_EQ(ioapic_get_rte(board, pin) & 0x4000, 0);
		vioapic_assert(board->irq.vioapic, pin);
		CHECK_EQ(vlapic_pending_intr(board_vlapic(board, pin % OWNERS)), 0x40 + pin * 8);
		vioapic_deassert(board->irq.vioapic, pin);
		CHECK(owner_serve(pin % OWNERS));
		CHECK(!owner_serve(pin % OWNERS));
	}
	board_destroy(board);
}

/* --- the timer, and registers that others look at ------------------------- */

#define TIMER_VECTOR	0xd0

/* Programs the timer in every way, and finds it silent after a stop. */
static void *run_timer_owner(void *arg)
{
	unsigned int id = (unsigned long)arg, i;
	struct vlapic *vlapic = board_vlapic(board, id);
	struct rng rng = { id + 5 };

	for (i = 0; i < ROUNDS; i++) {
		u32 mode = rng_below(&rng, 3);

		lapic_put(vlapic, R_TIMER, mode << 17 | TIMER_VECTOR);
		lapic_put(vlapic, R_DIVIDE, 0xb);
		lapic_put(vlapic, R_COUNT, 1 + rng_below(&rng, 20000));
		vlapic_tsc_deadline_write(vlapic, 1 + rng_below(&rng, 200000), 0, 1000000);
		lapic_get(vlapic, R_CURRENT);
		vlapic_tsc_deadline_read(vlapic);
		owner_serve(id);

		switch (rng_below(&rng, 4)) {
		case 0:
			lapic_put(vlapic, R_COUNT, 0);
			vlapic_tsc_deadline_write(vlapic, 0, 0, 1000000);
			break;
		case 1:
			lapic_put(vlapic, R_SVR, 0xff);
			lapic_enable(vlapic);
			lapic_put(vlapic, R_COUNT, 0);
			break;
		case 2:
			vlapic_reset(vlapic);
			lapic_enable(vlapic);
			lapic_put(vlapic, R_LDR, 0x01000000U << id);
			break;
		default:
			continue;
		}
		while (owner_serve(id))
			;
		sched_yield();
		if (set_has(vlapic, R_IRR, TIMER_VECTOR))
			__atomic_fetch_add(&race.stale, 1, __ATOMIC_RELAXED);
	}
	__atomic_fetch_sub(&race.owners, 1, __ATOMIC_RELEASE);
	return NULL;
}

/* Everything that is allowed in any context, but for the timer's own event. */
static void *run_other_sender(void *arg)
{
	struct rng rng = { (unsigned long)arg + 13 };

	while (READ_ONCE(race.owners)) {
		struct vlapic *vlapic = board_vlapic(board, rng_below(&rng, OWNERS));
		u8 vector = rng_below(&rng, 0xc0);

		irq_msi(&board->irq, 0xfee0000c | rng_below(&rng, 4) << 12, vector);
		irq_msi(&board->irq, 0xfee00000 | rng_below(&rng, 4) << 12, 0x100 | vector);
		vlapic_trigger_lvt(vlapic, rng_below(&rng, 2) ? rng_below(&rng, 2) :
				   APIC_LVT_ERROR + rng_below(&rng, 5));
		vlapic_match_logical(vlapic, vector);
		vlapic_apicbase(vlapic);
		irq_send_init(&board->irq, rng_below(&rng, VCPUS));
		vioapic_pulse(board->irq.vioapic, rng_below(&rng, 32));
		sched_yield();
	}
	__atomic_fetch_sub(&race.senders, 1, __ATOMIC_RELEASE);
	return NULL;
}

static void race_timer(void)
{
	race_board();
	race_run(run_timer_owner, run_other_sender);
	CHECK_EQ(race.stale, 0);
	board_destroy(board);
}

const struct test race_tests[] = {
	{ "race: nothing is lost", race_nothing_lost },
	{ "race: nothing is lost in the page", race_nothing_lost_in_the_page },
	{ "race: level lines", race_level_lines },
	{ "race: timer and registers", race_timer },
	{}
};
