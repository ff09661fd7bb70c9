// SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
#include <linux/device/class.h>
struct class *probe(void) { return class_create("x"); }
