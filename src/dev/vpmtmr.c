// SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
#include <linux/err.h>
#include <linux/slab.h>
#include "bus.h"
#include "record.h"
#include "vpmtmr.h"
#include "vtimer.h"

#define PMTMR_PORT	0x408
#define PMTMR_HZ	3579545

struct vpmtmr {
	struct vclock *clock;	/* constant */
	u64 start_ns;		/* set while no vCPU runs */
};

static int vpmtmr_port(void *chip, bool in, u16 port, int bytes, u32 *val)
{
	struct vpmtmr *vpmtmr = chip;

	if (!in || bytes != 4)
		return -EIO;
	*val = vtimer_ns_to_ticks(vclock_now_ns(vpmtmr->clock) - vpmtmr->start_ns, PMTMR_HZ);
	return 0;
}

void vpmtmr_reset(struct vpmtmr *vpmtmr)
{
	vpmtmr->start_ns = vclock_now_ns(vpmtmr->clock);
}

enum { FIELD_AGE_NS = 1 };

void vpmtmr_snapshot(struct vpmtmr *vpmtmr, struct record *record)
{
	u64 now_ns = vclock_now_ns(vpmtmr->clock);
	u64 age_ns = now_ns - vpmtmr->start_ns;

	record_u64(record, FIELD_AGE_NS, 0, &age_ns, VCLOCK_AGE_MAX_NS);
	if (record_loaded(record))
		vpmtmr->start_ns = now_ns - age_ns;
}

struct vpmtmr *vpmtmr_create(struct vclock *clock)
{
	struct vpmtmr *vpmtmr = kzalloc(sizeof(*vpmtmr), GFP_KERNEL_ACCOUNT);

	if (!vpmtmr)
		return ERR_PTR(-ENOMEM);
	vpmtmr->clock = clock;
	vpmtmr_reset(vpmtmr);
	return vpmtmr;
}

void vpmtmr_destroy(struct vpmtmr *vpmtmr)
{
	kfree(vpmtmr);
}

void vpmtmr_connect(struct vpmtmr *vpmtmr, struct bus *bus)
{
	bus_port_register(bus, PMTMR_PORT, 1, vpmtmr_port, vpmtmr);
}
