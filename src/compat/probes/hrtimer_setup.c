// SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
#include <linux/hrtimer.h>
void probe(struct hrtimer *t, enum hrtimer_restart (*fn)(struct hrtimer *)) { hrtimer_setup(t, fn, CLOCK_MONOTONIC, HRTIMER_MODE_ABS_HARD); }
