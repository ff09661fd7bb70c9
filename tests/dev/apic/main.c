// SPDX-License-Identifier: BSD-2-Clause
#include <stdarg.h>
#include "test.h"

struct pic_log pic_log;

static const char *current_test;
static unsigned int test_failures;

void test_failed(const char *file, int line, const char *format, ...)
{
	va_list args;

	/* The first few say it all. */
	if (test_failures++ < 5) {
		printf("%s: %s:%d: ", current_test, strrchr(file, '/') ? strrchr(file, '/') + 1 : file,
		       line);
		va_start(args, format);
		vprintf(format, args);
		va_end(args);
		printf("\n");
	}
}

/* --- random numbers ------------------------------------------------------- */

static u64 random_state = 1;

void random_seed(u64 seed)
{
	random_state = seed ? seed : 1;
}

u64 random_u64(void)
{
	random_state ^= random_state >> 12;
	random_state ^= random_state << 25;
	random_state ^= random_state >> 27;
	return random_state * 0x2545f4914f6cdd1dULL;
}

/* --- the house ------------------------------------------------------------ */

/* From several threads at once in the races. */
static void house_count(unsigned int *count)
{
	__atomic_fetch_add(count, 1, __ATOMIC_RELAXED);
}

static void house_notify(void *host, unsigned int id)
{
	house_count(&((struct house *)host)->notify[id]);
}

static void house_nmi(void *host, unsigned int id)
{
	house_count(&((struct house *)host)->nmi[id]);
}

static void house_extint(void *host, unsigned int id)
{
	house_count(&((struct house *)host)->extint[id]);
}

static void house_init(void *host, unsigned int id)
{
	house_count(&((struct house *)host)->init[id]);
}

static const struct irq_host_ops house_ops = {
	.vcpu_notify = house_notify,
	.vcpu_nmi = house_nmi,
	.vcpu_extint = house_extint,
	.vcpu_init = house_init,
};

/* --- the 8259 pair: range check and log ----------------------------------- */

static int pic_change(unsigned int *count, int irq)
{
	if (irq < 0 || irq > 15)
		return -EINVAL;
	++*count;
	pic_log.last = irq;
	return 0;
}

int vatpic_assert(struct vatpic *vatpic, int irq)
{
	return pic_change(&pic_log.up, irq);
}

int vatpic_deassert(struct vatpic *vatpic, int irq)
{
	return pic_change(&pic_log.down, irq);
}

int vatpic_pulse(struct vatpic *vatpic, int irq)
{
	return pic_change(&pic_log.pulse, irq);
}

/* --- the board ------------------------------------------------------------ */

struct board *board_create(unsigned int maxcpus, unsigned int exist, unsigned int active)
{
	struct board *board = calloc(1, sizeof(*board));
	unsigned int id;

	assert(board);
	clock_reset();
	vclock_init(&board->clock, &clock_source);
	CHECK_EQ(irq_init(&board->irq, &house_ops, &board->house, maxcpus), 0);
	CHECK(!IS_ERR(vioapic_create(&board->irq)));
	board->vcpus = exist;
	for (id = 0; id < exist; id++) {
		struct vlapic *vlapic = vlapic_create(&board->irq, &board->clock, id,
						      board->stats[id]);

		CHECK(!IS_ERR(vlapic));
		CHECK(irq_vlapic(&board->irq, id) == vlapic);
	}
	for (id = 0; id < active; id++)
		set_bit(id, board->irq.active);
	return board;
}

void board_destroy(struct board *board)
{
	unsigned int id;

	for (id = 0; id < board->vcpus; id++)
		vlapic_destroy(irq_vlapic(&board->irq, id));
	vioapic_destroy(board->irq.vioapic);
	irq_fini(&board->irq);
	free(board);
}

struct vlapic *board_vlapic(struct board *board, unsigned int id)
{
	return irq_vlapic(&board->irq, id);
}

void lapic_enable(struct vlapic *vlapic)
{
	lapic_put(vlapic, R_SVR, 0x1ff);
}

u32 lapic_get(struct vlapic *vlapic, unsigned int reg)
{
	u64 val = 0;

	if (vlapic_x2apic(vlapic))
		CHECK_EQ(vlapic_msr_read(vlapic, 0x800 + reg, &val), 0);
	else
		CHECK_EQ(vlapic_mmio(vlapic, reg << 4, false, 4, &val), 0);
	return val;
}

void lapic_put(struct vlapic *vlapic, unsigned int reg, u32 val)
{
	u64 datum = val;

	if (vlapic_x2apic(vlapic))
		CHECK_EQ(vlapic_msr_write(vlapic, 0x800 + reg, datum), 0);
	else
		CHECK_EQ(vlapic_mmio(vlapic, reg << 4, true, 4, &datum), 0);
}

bool set_has(struct vlapic *vlapic, unsigned int first_reg, u8 vector)
{
	return lapic_get(vlapic, first_reg + vector / 32) >> (vector % 32) & 1;
}

u32 ioapic_get(struct board *board, u8 reg)
{
	u64 val = reg;

	vioapic_mmio(board->irq.vioapic, 0, 0x00, true, 4, &val);
	vioapic_mmio(board->irq.vioapic, 0, 0x10, false, 4, &val);
	return val;
}

void ioapic_put(struct board *board, u8 reg, u32 val)
{
	u64 datum = reg;

	vioapic_mmio(board->irq.vioapic, 0, 0x00, true, 4, &datum);
	datum = val;
	vioapic_mmio(board->irq.vioapic, 0, 0x10, true, 4, &datum);
}

/* High half first: the low half unmasks. */
void ioapic_put_rte(struct board *board, int pin, u64 rte)
{
	ioapic_put(board, 0x11 + 2 * pin, rte >> 32);
	ioapic_put(board, 0x10 + 2 * pin, rte);
}

u64 ioapic_get_rte(struct board *board, int pin)
{
	return ioapic_get(board, 0x10 + 2 * pin) | (u64)ioapic_get(board, 0x11 + 2 * pin) << 32;
}

/* --- all of them ---------------------------------------------------------- */

int main(int argc, char **argv)
{
	static const struct test *const suites[] = {
		regs_tests, icr_tests, timer_tests, ioapic_tests, fabric_tests, model_tests,
		race_tests,
	};
	const char *only = argc > 1 ? argv[1] : "";
	unsigned int i, passed = 0, failed = 0;
	const struct test *test;

	setvbuf(stdout, NULL, _IOLBF, 0);
	for (i = 0; i < ARRAY_SIZE(suites); i++) {
		for (test = suites[i]; test->name; test++) {
			if (!strstr(test->name, only))
				continue;
			current_test = test->name;
			test_failures = 0;
			random_seed(i + 1);
			test->run();
			if (test_failures) {
				printf("%s: failed, %u checks\n", test->name, test_failures);
				failed++;
			} else {
				passed++;
			}
		}
	}
	printf("%u passed, %u failed\n", passed, failed);
	return failed != 0;
}
