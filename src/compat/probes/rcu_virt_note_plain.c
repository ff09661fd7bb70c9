// SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
#include <linux/rcupdate.h>
void probe(void) { rcu_virt_note_context_switch(); }
