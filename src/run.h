/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/*
 * run: the loop between guest entries, and what happens to exits that the backend leaves to
 * neutral code.
 */
#ifndef VMM_RUN_H
#define VMM_RUN_H

#include <linux/context_tracking.h>
#include <linux/jiffies.h>
#include <linux/percpu.h>
#include <linux/rcupdate.h>

struct vcpu;

DECLARE_PER_CPU(unsigned long, vcpu_rcu_noted);	/* when this CPU last told RCU, in jiffies */

/*
 * Around the world switch, IRQs off: tell RCU and nohz_full that this CPU is in a guest.
 * Nothing between the two may use RCU. RCU waits for CPUs from tick to tick: once a jiffy is
 * as often as it can want to know.
 */
static __always_inline void vcpu_context_enter(void)
{
	if (context_tracking_guest_enter() || __this_cpu_read(vcpu_rcu_noted) == jiffies)
		return;
	__this_cpu_write(vcpu_rcu_noted, jiffies);
	compat_rcu_virt_note_context_switch();
}

static __always_inline void vcpu_context_exit(void)
{
	context_tracking_guest_exit();
}

/**
 * vcpu_run() - be the vCPU until something is left for user space
 * @vcpu: frozen by the caller, who is the vCPU thread from here on
 * Return: 0 with vcpu->exit filled; -EINVAL not active or already suspended; other errnos as
 * semantics.md section 7. Process context.
 */
int vcpu_run(struct vcpu *vcpu);

/* src/exit.c: decide on vcpu->exit. A verdict or -errno. Own thread, vCPU loaded (may put it). */
int exit_handle(struct vcpu *vcpu);
/* HLT and the suspend barrier, src/run.c. Own thread, not loaded. */
void vcpu_halt(struct vcpu *vcpu, bool interrupts_enabled);

#endif
