/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* What src/x86/ takes from the kernel's header of this name, for a program. */
#include <string.h>
