// SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
/*
 * eventfd: irqfds and ioeventfds.
 *
 * An irqfd sits in the wait queue of its eventfd: irqfd_wake() is called for every write, with the
 * eventfd's lock held and IRQs off, takes the count and raises the interrupt there and then. It is
 * also called when the eventfd's last descriptor is closed. Whoever takes an irqfd off the list is
 * the one to take it down: a request, the VM's destruction, or, after a close, the workqueue,
 * because leaving the wait queue needs the lock that irqfd_wake() is called with. The references
 * that an irqfd holds keep the eventfd itself.
 *
 * An ioeventfd is found by the address written to, under RCU.
 */
#include <linux/bits.h>
#include <linux/err.h>
#include <linux/eventfd.h>
#include <linux/file.h>
#include <linux/hash.h>
#include <linux/poll.h>
#include <linux/rculist.h>
#include <linux/slab.h>
#include <linux/workqueue.h>
#include <vmm_linux.h>
#include "dev/bus.h"
#include "dev/irq.h"
#include "dev/vioapic.h"
#include "eventfd.h"

#define PORTS	0x10000

struct irqfd {
	struct eventfds *eventfds;	/* constant, as all but @link */
	struct eventfd_ctx *trigger;
	struct eventfd_ctx *resample;	/* NULL: an edge, or a message */
	bool is_msi;
	u32 gsi;
	u64 msi_addr, msi_msg;
	struct list_head link;		/* eventfds->list_lock */
	bool linked;			/* eventfds->list_lock; false: somebody takes it down */
	wait_queue_entry_t wait;
	wait_queue_head_t *queue;	/* the eventfd's */
	poll_table table;
	struct work_struct close;
};

struct ioeventfd {
	struct hlist_node link;		/* in a bucket */
	struct ioeventfd_match match;	/* constant */
	struct eventfd_ctx *ctx;	/* constant */
};

/* The eventfd behind @fd, referenced. ERR_PTR: -EBADF, -EINVAL. */
static struct eventfd_ctx *ctx_get(int fd, struct file **filep)
{
	struct file *file = fget(fd);
	struct eventfd_ctx *ctx;

	if (!file)
		return ERR_PTR(-EBADF);
	ctx = eventfd_ctx_fileget(file);
	if (IS_ERR(ctx) || !filep)
		fput(file);
	else
		*filep = file;
	return ctx;
}

static int count_take(struct eventfds *eventfds)
{
	int err = -ENOSPC;

	spin_lock_irq(&eventfds->list_lock);
	if (eventfds->count < VML_EVENTFDS_MAX) {
		eventfds->count++;
		err = 0;
	}
	spin_unlock_irq(&eventfds->list_lock);
	return err;
}

static void count_give(struct eventfds *eventfds)
{
	spin_lock_irq(&eventfds->list_lock);
	eventfds->count--;
	spin_unlock_irq(&eventfds->list_lock);
}

/* --- irqfd: the interrupt ------------------------------------------------ */

/* IRQs off, the eventfd's lock held. */
static void irqfd_raise(struct irqfd *irqfd)
{
	struct irq *irq = irqfd->eventfds->irq;

	if (irqfd->is_msi)
		irq_msi(irq, irqfd->msi_addr, irqfd->msi_msg);
	else if (irqfd->resample)
		vioapic_assert_until_eoi(irq->vioapic, irqfd->gsi);
	else
		vioapic_pulse(irq->vioapic, irqfd->gsi);
}

void irqfd_resample(struct eventfds *eventfds, u32 pins)
{
	struct irqfd *irqfd;

	rcu_read_lock();
	list_for_each_entry_rcu(irqfd, &eventfds->irqfds, link)
		if (irqfd->resample && (pins & BIT(irqfd->gsi)))
			compat_eventfd_signal(irqfd->resample);
	rcu_read_unlock();
}

/* --- irqfd: life --------------------------------------------------------- */

/* True for one caller only, who takes it down. */
static bool irqfd_unlink_locked(struct irqfd *irqfd)
{
	lockdep_assert_held(&irqfd->eventfds->list_lock);
	if (!irqfd->linked)
		return false;
	list_del_rcu(&irqfd->link);
	irqfd->linked = false;
	return true;
}

/* The line goes down, unless another irqfd holds the same pin up until the same EOI. */
static void irqfd_let_go(struct irqfd *irqfd)
{
	struct eventfds *eventfds = irqfd->eventfds;
	const struct irqfd *other;
	bool shared = false;

	spin_lock_irq(&eventfds->list_lock);
	list_for_each_entry(other, &eventfds->irqfds, link)
		shared |= other->resample && other->gsi == irqfd->gsi;
	if (!shared)
		vioapic_deassert_until_eoi(eventfds->irq->vioapic, irqfd->gsi);
	spin_unlock_irq(&eventfds->list_lock);
}

/* Unlinked, or never linked. Leaves the line as if it had not been there. Sleeps. */
static void irqfd_take_down(struct irqfd *irqfd)
{
	struct eventfds *eventfds = irqfd->eventfds;
	u64 count;

	if (irqfd->queue)
		eventfd_ctx_remove_wait_queue(irqfd->trigger, &irqfd->wait, &count);
	if (irqfd->resample)
		irqfd_let_go(irqfd);
	/* irqfd_resample() may be looking at it. */
	synchronize_rcu();
	if (irqfd->resample)
		eventfd_ctx_put(irqfd->resample);
	eventfd_ctx_put(irqfd->trigger);
	kfree(irqfd);
	count_give(eventfds);
}

static void irqfd_close_work(struct work_struct *work)
{
	struct irqfd *irqfd = container_of(work, struct irqfd, close);
	struct eventfds *eventfds = irqfd->eventfds;

	irqfd_take_down(irqfd);
	spin_lock_irq(&eventfds->list_lock);
	if (!--eventfds->closing)
		wake_up_all(&eventfds->closed);
	spin_unlock_irq(&eventfds->list_lock);
}

static void irqfd_closed(struct irqfd *irqfd)
{
	struct eventfds *eventfds = irqfd->eventfds;
	unsigned long flags;

	spin_lock_irqsave(&eventfds->list_lock, flags);
	if (irqfd_unlink_locked(irqfd)) {
		eventfds->closing++;
		queue_work(eventfds->workqueue, &irqfd->close);
	}
	spin_unlock_irqrestore(&eventfds->list_lock, flags);
}

static int irqfd_wake(wait_queue_entry_t *wait, unsigned int mode, int sync, void *key)
{
	struct irqfd *irqfd = container_of(wait, struct irqfd, wait);
	__poll_t events = key_to_poll(key);
	u64 count;

	if (events & EPOLLIN) {
		eventfd_ctx_do_read(irqfd->trigger, &count);
		irqfd_raise(irqfd);
	}
	if (events & EPOLLHUP)
		irqfd_closed(irqfd);
	return 0;
}

static void irqfd_enqueue(struct file *file, wait_queue_head_t *queue, poll_table *table)
{
	struct irqfd *irqfd = container_of(table, struct irqfd, table);

	irqfd->queue = queue;
	add_wait_queue(queue, &irqfd->wait);
}

/* What was written before we came. */
static void irqfd_catch_up(struct irqfd *irqfd)
{
	u64 count = 0;

	spin_lock_irq(&irqfd->queue->lock);
	eventfd_ctx_do_read(irqfd->trigger, &count);
	if (count)
		irqfd_raise(irqfd);
	spin_unlock_irq(&irqfd->queue->lock);
}

/* --- irqfd: requests ----------------------------------------------------- */

static int irqfd_check(const struct vml_irqfd *arg)
{
	if (!(arg->flags & VML_IRQFD_MSI))
		return arg->gsi < VIOAPIC_PINS ? 0 : -EINVAL;
	if (arg->flags & VML_IRQFD_RESAMPLE)
		return -EINVAL;
	return irq_msi_valid(arg->msi_addr) ? 0 : -EINVAL;
}

static bool irqfd_is(const struct irqfd *irqfd, const struct eventfd_ctx *ctx,
		     const struct vml_irqfd *arg)
{
	if (irqfd->trigger != ctx || irqfd->is_msi != !!(arg->flags & VML_IRQFD_MSI))
		return false;
	if (irqfd->is_msi)
		return irqfd->msi_addr == arg->msi_addr && irqfd->msi_msg == arg->msi_msg;
	return irqfd->gsi == arg->gsi;
}

/* An eventfd has one count to take: it can be one irqfd of the VM only. */
static bool irqfd_exists(struct eventfds *eventfds, const struct eventfd_ctx *ctx)
{
	struct irqfd *irqfd;
	bool exists = false;

	spin_lock_irq(&eventfds->list_lock);
	list_for_each_entry(irqfd, &eventfds->irqfds, link)
		exists |= irqfd->trigger == ctx;
	spin_unlock_irq(&eventfds->list_lock);
	return exists;
}

/* @trigger and @resample become the irqfd's. NULL: no memory. */
static struct irqfd *irqfd_make(struct eventfds *eventfds, const struct vml_irqfd *arg,
				struct eventfd_ctx *trigger, struct eventfd_ctx *resample)
{
	struct irqfd *irqfd = kzalloc(sizeof(*irqfd), GFP_KERNEL_ACCOUNT);

	if (!irqfd)
		return NULL;
	irqfd->eventfds = eventfds;
	irqfd->trigger = trigger;
	irqfd->resample = resample;
	irqfd->is_msi = arg->flags & VML_IRQFD_MSI;
	irqfd->gsi = arg->gsi;
	irqfd->msi_addr = arg->msi_addr;
	irqfd->msi_msg = arg->msi_msg;
	INIT_WORK(&irqfd->close, irqfd_close_work);
	init_waitqueue_func_entry(&irqfd->wait, irqfd_wake);
	init_poll_funcptr(&irqfd->table, irqfd_enqueue);
	return irqfd;
}

/*
 * On the list before it is in the wait queue: a close finds it there. @file is held by the caller,
 * so the close comes after this.
 */
static void irqfd_connect(struct irqfd *irqfd, struct file *file)
{
	struct eventfds *eventfds = irqfd->eventfds;

	spin_lock_irq(&eventfds->list_lock);
	irqfd->linked = true;
	list_add_tail_rcu(&irqfd->link, &eventfds->irqfds);
	spin_unlock_irq(&eventfds->list_lock);
	vfs_poll(file, &irqfd->table);
	irqfd_catch_up(irqfd);
}

static int irqfd_assign(struct eventfds *eventfds, const struct vml_irqfd *arg,
			struct eventfd_ctx *trigger, struct file *file)
{
	struct eventfd_ctx *resample = NULL;
	struct irqfd *irqfd;
	int err;

	lockdep_assert_held(&eventfds->lock);
	if (irqfd_exists(eventfds, trigger))
		return -EBUSY;
	if (arg->flags & VML_IRQFD_RESAMPLE) {
		resample = ctx_get(arg->resample_fd, NULL);
		if (IS_ERR(resample))
			return PTR_ERR(resample);
	}
	/* An EOI that raises the interrupt again would be one without end. */
	err = resample == trigger ? -EINVAL : count_take(eventfds);
	if (err)
		goto err_resample;
	err = -ENOMEM;
	irqfd = irqfd_make(eventfds, arg, trigger, resample);
	if (!irqfd)
		goto err_count;
	irqfd_connect(irqfd, file);
	return 0;

err_count:
	count_give(eventfds);
err_resample:
	if (resample)
		eventfd_ctx_put(resample);
	return err;
}

static int irqfd_deassign(struct eventfds *eventfds, const struct vml_irqfd *arg,
			  const struct eventfd_ctx *ctx)
{
	struct irqfd *irqfd, *found = NULL;

	lockdep_assert_held(&eventfds->lock);
	spin_lock_irq(&eventfds->list_lock);
	list_for_each_entry(irqfd, &eventfds->irqfds, link) {
		if (!irqfd_is(irqfd, ctx, arg))
			continue;
		found = irqfd;
		irqfd_unlink_locked(irqfd);
		break;
	}
	spin_unlock_irq(&eventfds->list_lock);
	if (!found)
		return -ENOENT;
	irqfd_take_down(found);
	return 0;
}

int irqfd_request(struct eventfds *eventfds, const struct vml_irqfd *arg)
{
	bool deassign = arg->flags & VML_IRQFD_DEASSIGN;
	struct eventfd_ctx *trigger;
	struct file *file;
	int err;

	if (arg->reserved)
		return -EOPNOTSUPP;
	trigger = ctx_get(arg->fd, &file);
	if (IS_ERR(trigger))
		return PTR_ERR(trigger);
	err = irqfd_check(arg);
	if (!err && mutex_lock_killable(&eventfds->lock))
		err = -EINTR;
	if (!err) {
		err = deassign ? irqfd_deassign(eventfds, arg, trigger) :
				 irqfd_assign(eventfds, arg, trigger, file);
		mutex_unlock(&eventfds->lock);
	}
	if (err || deassign)
		eventfd_ctx_put(trigger);
	fput(file);
	return err;
}

/* --- ioeventfd ----------------------------------------------------------- */

bool ioeventfd_matches(const struct ioeventfd_match *match, unsigned int bytes, u64 val)
{
	if (match->len && match->len != bytes)
		return false;
	return !match->has_datum || (val & GENMASK_ULL(8 * match->len - 1, 0)) == match->datum;
}

int ioeventfd_match_check(const struct ioeventfd_match *match)
{
	u64 last = match->addr + max(match->len, 1U) - 1;

	if (match->len > 8 || (match->len & (match->len - 1)) || last < match->addr)
		return -EINVAL;
	if (match->pio && (match->len == 8 || last >= PORTS))
		return -EINVAL;
	if (!match->has_datum)
		return 0;
	if (!match->len || (match->datum & ~GENMASK_ULL(8 * match->len - 1, 0)))
		return -EINVAL;
	return 0;
}

static struct hlist_head *ioeventfd_bucket(struct eventfds *eventfds, bool pio, u64 addr)
{
	return &eventfds->buckets[pio][hash_64(addr, IOEVENTFD_BUCKETS_LOG2)];
}

bool __ioeventfd_write(struct eventfds *eventfds, bool pio, u64 addr, unsigned int bytes, u64 val)
{
	struct ioeventfd *ioeventfd;
	bool taken = false;

	rcu_read_lock();
	hlist_for_each_entry_rcu(ioeventfd, ioeventfd_bucket(eventfds, pio, addr), link) {
		if (ioeventfd->match.addr != addr ||
		    !ioeventfd_matches(&ioeventfd->match, bytes, val))
			continue;
		compat_eventfd_signal(ioeventfd->ctx);
		taken = true;
	}
	rcu_read_unlock();
	return taken;
}

bool __ioeventfd_wants(struct eventfds *eventfds, u64 gpa)
{
	struct ioeventfd *ioeventfd;
	bool wanted = false;

	rcu_read_lock();
	hlist_for_each_entry_rcu(ioeventfd, ioeventfd_bucket(eventfds, false, gpa), link)
		wanted |= ioeventfd->match.addr == gpa;
	rcu_read_unlock();
	return wanted;
}

static bool match_is(const struct ioeventfd_match *a, const struct ioeventfd_match *b)
{
	return a->pio == b->pio && a->addr == b->addr && a->len == b->len &&
	       a->has_datum == b->has_datum && a->datum == b->datum;
}

/* @ctx NULL: whatever eventfd it is. */
static struct ioeventfd *ioeventfd_find(struct eventfds *eventfds,
					const struct ioeventfd_match *match,
					const struct eventfd_ctx *ctx)
{
	struct hlist_head *bucket = ioeventfd_bucket(eventfds, match->pio, match->addr);
	struct ioeventfd *ioeventfd;

	lockdep_assert_held(&eventfds->lock);
	hlist_for_each_entry(ioeventfd, bucket, link)
		if (match_is(&ioeventfd->match, match) && (!ctx || ioeventfd->ctx == ctx))
			return ioeventfd;
	return NULL;
}

static bool address_is_chips(const struct bus *bus, const struct ioeventfd_match *match)
{
	return match->pio ? bus_port_has(bus, match->addr) : bus_window_has(bus, match->addr);
}

/* @ctx becomes the ioeventfd's. */
static int ioeventfd_assign(struct eventfds *eventfds, const struct ioeventfd_match *match,
			    struct eventfd_ctx *ctx)
{
	struct ioeventfd *ioeventfd;
	int err;

	lockdep_assert_held(&eventfds->lock);
	if (address_is_chips(eventfds->bus, match) || ioeventfd_find(eventfds, match, NULL))
		return -EEXIST;
	err = count_take(eventfds);
	if (err)
		return err;
	ioeventfd = kzalloc(sizeof(*ioeventfd), GFP_KERNEL_ACCOUNT);
	if (!ioeventfd) {
		count_give(eventfds);
		return -ENOMEM;
	}
	ioeventfd->match = *match;
	ioeventfd->ctx = ctx;
	hlist_add_head_rcu(&ioeventfd->link, ioeventfd_bucket(eventfds, match->pio, match->addr));
	WRITE_ONCE(eventfds->ioeventfds[match->pio], eventfds->ioeventfds[match->pio] + 1);
	return 0;
}

/* Off its bucket, and nobody looks at it any more. */
static void ioeventfd_free(struct ioeventfd *ioeventfd)
{
	eventfd_ctx_put(ioeventfd->ctx);
	kfree(ioeventfd);
}

static int ioeventfd_deassign(struct eventfds *eventfds, const struct ioeventfd_match *match,
			      const struct eventfd_ctx *ctx)
{
	struct ioeventfd *ioeventfd;

	lockdep_assert_held(&eventfds->lock);
	ioeventfd = ioeventfd_find(eventfds, match, ctx);
	if (!ioeventfd)
		return -ENOENT;
	hlist_del_rcu(&ioeventfd->link);
	WRITE_ONCE(eventfds->ioeventfds[match->pio], eventfds->ioeventfds[match->pio] - 1);
	synchronize_rcu();
	ioeventfd_free(ioeventfd);
	count_give(eventfds);
	return 0;
}

int ioeventfd_request(struct eventfds *eventfds, const struct vml_ioeventfd *arg)
{
	const struct ioeventfd_match match = {
		.addr = arg->addr,
		.len = arg->len,
		.pio = arg->flags & VML_IOEVENTFD_PIO,
		.has_datum = arg->flags & VML_IOEVENTFD_DATAMATCH,
		.datum = arg->flags & VML_IOEVENTFD_DATAMATCH ? arg->datamatch : 0,
	};
	bool deassign = arg->flags & VML_IOEVENTFD_DEASSIGN;
	struct eventfd_ctx *ctx = ctx_get(arg->fd, NULL);
	int err;

	if (IS_ERR(ctx))
		return PTR_ERR(ctx);
	err = ioeventfd_match_check(&match);
	if (!err && mutex_lock_killable(&eventfds->lock))
		err = -EINTR;
	if (!err) {
		err = deassign ? ioeventfd_deassign(eventfds, &match, ctx) :
				 ioeventfd_assign(eventfds, &match, ctx);
		mutex_unlock(&eventfds->lock);
	}
	if (err || deassign)
		eventfd_ctx_put(ctx);
	return err;
}

/* --- all of them ---------------------------------------------------------- */

void eventfds_init(struct eventfds *eventfds, struct irq *irq, const struct bus *bus,
		   struct workqueue_struct *workqueue)
{
	eventfds->irq = irq;
	eventfds->bus = bus;
	eventfds->workqueue = workqueue;
	mutex_init(&eventfds->lock);
	spin_lock_init(&eventfds->list_lock);
	init_waitqueue_head(&eventfds->closed);
	INIT_LIST_HEAD(&eventfds->irqfds);
}

static struct irqfd *irqfd_take_first(struct eventfds *eventfds)
{
	struct irqfd *irqfd;

	spin_lock_irq(&eventfds->list_lock);
	irqfd = list_first_entry_or_null(&eventfds->irqfds, struct irqfd, link);
	if (irqfd)
		irqfd_unlink_locked(irqfd);
	spin_unlock_irq(&eventfds->list_lock);
	return irqfd;
}

static void ioeventfd_bucket_empty(struct hlist_head *bucket)
{
	struct ioeventfd *ioeventfd;
	struct hlist_node *next;

	hlist_for_each_entry_safe(ioeventfd, next, bucket, link)
		ioeventfd_free(ioeventfd);
}

void eventfds_fini(struct eventfds *eventfds)
{
	struct irqfd *irqfd;
	int i;

	while ((irqfd = irqfd_take_first(eventfds)))
		irqfd_take_down(irqfd);
	wait_event(eventfds->closed, !READ_ONCE(eventfds->closing));
	/* Whoever said so has to be through with the lock. */
	spin_lock_irq(&eventfds->list_lock);
	spin_unlock_irq(&eventfds->list_lock);
	for (i = 0; i < 1 << IOEVENTFD_BUCKETS_LOG2; i++) {
		ioeventfd_bucket_empty(&eventfds->buckets[false][i]);
		ioeventfd_bucket_empty(&eventfds->buckets[true][i]);
	}
}
