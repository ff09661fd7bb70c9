/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* load_gs_index(): in a header of its own, or where segments are. */
#ifndef VMM_COMPAT_GSSEG_H
#define VMM_COMPAT_GSSEG_H

#include <asm/segment.h>
#ifdef HAVE_GSSEG_HEADER
#include <asm/gsseg.h>
#endif

#endif
