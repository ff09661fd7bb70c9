/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/*
 * A test file is compiled twice: with GUEST defined it is a part of the payload, without it a part of the program that runs on the host. It reads
 *
 *	#include "test.h"
 *	#ifdef GUEST
 *	GUEST_MAIN(name) { what the guest does }
 *	#else
 *	TEST(name) { what the host expects }
 *	#endif
 *
 * A test of a few instructions needs no payload: see SNIPPET in harness.h.
 */
#include "protocol.h"
#ifdef GUEST
#include "guest.h"
#else
#include "harness.h"
#endif
