/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/*
 * eventfd: the wires between a VM and eventfds of user space: one that raises interrupts in the
 * guest (irqfd), and one that a write of the guest signals (ioeventfd).
 *
 * Lock order: eventfds->lock; an eventfd's own lock; eventfds->list_lock, or the chips' locks.
 */
#ifndef VMM_EVENTFD_H
#define VMM_EVENTFD_H

#include <linux/list.h>
#include <linux/mutex.h>
#include <linux/spinlock.h>
#include <linux/types.h>
#include <linux/wait.h>

struct bus;
struct irq;
struct vml_ioeventfd;
struct vml_irqfd;
struct workqueue_struct;

#define IOEVENTFD_BUCKETS_LOG2	6

struct eventfds {
	struct irq *irq;		/* constant */
	const struct bus *bus;		/* constant */
	struct workqueue_struct *workqueue;	/* constant; takes down what was closed */
	struct mutex lock;		/* assigning and taking back, one at a time */

	spinlock_t list_lock;		/* IRQs off */
	unsigned int count;		/* list_lock: of both kinds */
	unsigned int closing;		/* list_lock: irqfds that the workqueue is to take down */
	wait_queue_head_t closed;	/* closing is 0 */
	struct list_head irqfds;	/* list_lock to change; lock or RCU to look */

	/* Whether there is any, to be asked first: of memory, of ports. */
	unsigned int ioeventfds[2];	/* lock to change */
	/* lock to change, RCU to look */
	struct hlist_head buckets[2][1 << IOEVENTFD_BUCKETS_LOG2];
};

/* Process context, before anybody knows the VM. */
void eventfds_init(struct eventfds *eventfds, struct irq *irq, const struct bus *bus,
		   struct workqueue_struct *workqueue);
/*
 * Takes all of them back. When it returns, no eventfd reaches the VM any more. Nothing can be
 * assigned, and no vCPU runs. Process context, sleeps.
 */
void eventfds_fini(struct eventfds *eventfds);

/* VML_IRQFD and VML_IOEVENTFD, flags checked; errnos as uapi/vmm_linux.h. Process context. */
int irqfd_request(struct eventfds *eventfds, const struct vml_irqfd *arg);
int ioeventfd_request(struct eventfds *eventfds, const struct vml_ioeventfd *arg);

/*
 * The guest has written @val, @bytes long, to a port or address that is no chip's: signal the
 * eventfds that want to know. False: nobody does. vCPU thread; preemption may be off.
 */
bool __ioeventfd_write(struct eventfds *eventfds, bool pio, u64 addr, unsigned int bytes, u64 val);
/* Somebody wants to know of some writes to guest physical address @gpa. */
bool __ioeventfd_wants(struct eventfds *eventfds, u64 gpa);

static inline bool ioeventfd_write(struct eventfds *eventfds, bool pio, u64 addr,
				   unsigned int bytes, u64 val)
{
	return READ_ONCE(eventfds->ioeventfds[pio]) &&
	       __ioeventfd_write(eventfds, pio, addr, bytes, val);
}

static inline bool ioeventfd_wants(struct eventfds *eventfds, u64 gpa)
{
	return READ_ONCE(eventfds->ioeventfds[false]) && __ioeventfd_wants(eventfds, gpa);
}

/* A write against what an ioeventfd is after. Any context. */
struct ioeventfd_match {
	u64 addr;
	u32 len;		/* 0: any */
	bool pio;
	bool has_datum;
	u64 datum;
};

bool ioeventfd_matches(const struct ioeventfd_match *match, unsigned int bytes, u64 val);
/* 0; -EINVAL: no write can match it, or what it says is beyond the ports. */
int ioeventfd_match_check(const struct ioeventfd_match *match);

/* The guest's EOI has let go of these I/O APIC pins. No locks held, any context. */
void irqfd_resample(struct eventfds *eventfds, u32 pins);

#endif
