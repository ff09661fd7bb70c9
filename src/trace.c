// SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
#define CREATE_TRACE_POINTS
#include "trace.h"
