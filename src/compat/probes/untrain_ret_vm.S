/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
#include <asm/nospec-branch.h>
#ifndef UNTRAIN_RET_VM
#error absent
#endif
