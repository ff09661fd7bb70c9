// SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
/* src/dev/vpmtmr.c: semantics.md section 21. */
#include <kunit/test.h>
#include <linux/errno.h>
#include <linux/kernel.h>
#include <linux/module.h>

#include "../src/dev/bus.h"
#include "../src/dev/vpmtmr.h"
#include "hand_clock.h"

#define PMTMR_PORT	0x408

static struct vclock clock;
static struct bus bus;
static struct vpmtmr *pmtmr;

static int pmtmr_init(struct kunit *test)
{
	hand_clock_reset();
	vclock_init(&clock, &hand_clock_source);
	hand_clock_run(77777);
	bus_init(&bus);
	pmtmr = vpmtmr_create(&clock);
	vpmtmr_connect(pmtmr, &bus);
	return 0;
}

static void pmtmr_exit(struct kunit *test)
{
	vpmtmr_destroy(pmtmr);
}

static u32 pmtmr_read(void)
{
	u32 val = 0xdeadbeef;

	return bus_port_access(&bus, true, PMTMR_PORT, 4, &val) ? ~val : val;
}

static void pmtmr_counts(struct kunit *test)
{
	KUNIT_EXPECT_EQ(test, pmtmr_read(), 0);
	hand_clock_run(NSEC_PER_SEC);
	KUNIT_EXPECT_EQ(test, pmtmr_read(), 3579545);
	hand_clock_run(1200ULL * NSEC_PER_SEC);			/* once round */
	KUNIT_EXPECT_EQ(test, pmtmr_read(), (u32)(3579545ULL * 1201));
	vclock_pause(&clock);
	hand_clock_run(NSEC_PER_SEC);
	KUNIT_EXPECT_EQ(test, pmtmr_read(), (u32)(3579545ULL * 1201));
	vclock_resume(&clock);
	vpmtmr_reset(pmtmr);
	KUNIT_EXPECT_EQ(test, pmtmr_read(), 0);
}

static void pmtmr_refuses(struct kunit *test)
{
	u32 val = 0;
	int bytes;

	for (bytes = 1; bytes <= 4; bytes *= 2) {
		KUNIT_EXPECT_EQ(test, bus_port_access(&bus, false, PMTMR_PORT, bytes, &val), -EIO);
		KUNIT_EXPECT_EQ(test, bus_port_access(&bus, true, PMTMR_PORT, bytes, &val),
				bytes == 4 ? 0 : -EIO);
	}
	KUNIT_EXPECT_EQ(test, bus_port_access(&bus, true, PMTMR_PORT + 1, 1, &val), -ENOENT);
}

static struct kunit_case vpmtmr_cases[] = {
	KUNIT_CASE(pmtmr_counts),
	KUNIT_CASE(pmtmr_refuses),
	{}
};

static struct kunit_suite vpmtmr_suite = {
	.name = "vmm-dev-vpmtmr",
	.init = pmtmr_init,
	.exit = pmtmr_exit,
	.test_cases = vpmtmr_cases,
};
kunit_test_suite(vpmtmr_suite);

MODULE_LICENSE("Dual BSD/GPL");
