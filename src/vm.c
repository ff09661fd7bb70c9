// SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
#define pr_fmt(fmt) "vmm: " fmt
#include <linux/capability.h>
#include <linux/cpu.h>
#include <linux/cpuhotplug.h>
#include <linux/cred.h>
#include <linux/err.h>
#include <linux/idr.h>
#include <linux/module.h>
#include <linux/nospec.h>
#include <linux/slab.h>
#include <linux/vmalloc.h>
#include <asm/tsc.h>
#include "chardev.h"
#include "debugfs.h"
#include "dev/vatpic.h"
#include "dev/vatpit.h"
#include "dev/vhpet.h"
#include "dev/vioapic.h"
#include "dev/vlapic.h"
#include "dev/vpmtmr.h"
#include "dev/vrtc.h"
#include "hardware.h"
#include "iommu/ppt.h"
#include "timebase.h"
#include "vm.h"
#include "x86/fpu.h"

static DEFINE_MUTEX(registry_mutex);
static LIST_HEAD(registry);		/* registry_mutex */
static DEFINE_IDR(minors);		/* registry_mutex */
static const struct backend *vm_backend;	/* constant after load */
static struct workqueue_struct *vm_workqueue;	/* constant after load */
/* For what vm_finish() waits for: it may itself run on the other one. Constant after load. */
static struct workqueue_struct *close_workqueue;

static void vm_finish_work(struct work_struct *work);

void vm_registry_lock(void)
{
	mutex_lock(&registry_mutex);
}

void vm_registry_unlock(void)
{
	mutex_unlock(&registry_mutex);
}

/* --- interrupt fabric to vCPUs ---------------------------------------- */

static void host_vcpu_notify(void *host, unsigned int id)
{
	struct vcpu *vcpu = vm_vcpu_find(host, id);

	if (vcpu)
		vcpu_notify(vcpu);
}

static void host_vcpu_event(void *host, unsigned int id, int event)
{
	struct vcpu *vcpu = vm_vcpu_find(host, id);

	if (!vcpu)
		return;
	set_bit(event, &vcpu->events.flags);
	vcpu_notify(vcpu);
}

static void host_vcpu_nmi(void *host, unsigned int id)
{
	host_vcpu_event(host, id, EVENT_NMI);
}

static void host_vcpu_extint(void *host, unsigned int id)
{
	host_vcpu_event(host, id, EVENT_EXTINT);
}

static void host_vcpu_init(void *host, unsigned int id)
{
	struct vcpu *vcpu = vm_vcpu_find(host, id);

	if (vcpu)
		vcpu_request(vcpu, VCPU_REQ_INIT);
}

static void host_pins_eoi(void *host, u32 ended, u32 let_go)
{
	struct vm *vm = host;
	unsigned long pins = ended;
	unsigned int pin;

	if (let_go)
		irqfd_resample(&vm->eventfds, let_go);
	for_each_set_bit(pin, &pins, VIOAPIC_PINS)
		ppt_pin_eoi(vm->ppt, pin);
}

static const struct irq_host_ops vm_irq_ops = {
	.vcpu_notify = host_vcpu_notify,
	.vcpu_nmi = host_vcpu_nmi,
	.vcpu_extint = host_vcpu_extint,
	.vcpu_init = host_vcpu_init,
	.pins_eoi = host_pins_eoi,
};

/* --- the board: chips in the order of their creation ------------------ */

#define CHIP_CREATE(vm, chip, ...)						\
({										\
	typeof((vm)->chip) made = chip##_create(__VA_ARGS__);			\
										\
	(vm)->chip = IS_ERR(made) ? NULL : made;				\
	PTR_ERR_OR_ZERO(made);							\
})

static int board_create(struct vm *vm)
{
	int err;

	vclock_init(&vm->clock, &vclock_host);
	timebase_init(vm);
	bus_init(&vm->bus);
	eventfds_init(&vm->eventfds, &vm->irq, &vm->bus, close_workqueue);
	err = irq_init(&vm->irq, &vm_irq_ops, vm, vm->maxcpus);
	if (err)
		return err;
	err = CHIP_CREATE(vm, vioapic, &vm->irq) ?:
	      CHIP_CREATE(vm, vatpic, &vm->irq) ?:
	      CHIP_CREATE(vm, vatpit, &vm->irq, &vm->clock) ?:
	      CHIP_CREATE(vm, vhpet, &vm->irq, &vm->clock) ?:
	      CHIP_CREATE(vm, vpmtmr, &vm->clock) ?:
	      CHIP_CREATE(vm, vrtc, &vm->irq, &vm->clock);
	if (err)
		return err;

	vatpic_connect(vm->vatpic, &vm->bus);
	vatpit_connect(vm->vatpit, &vm->bus);
	vpmtmr_connect(vm->vpmtmr, &vm->bus);
	vrtc_connect(vm->vrtc, &vm->bus);
	vhpet_connect(vm->vhpet, &vm->bus);
	bus_window_register(&vm->bus, VIOAPIC_BASE_GPA, VIOAPIC_SIZE, vioapic_mmio, vm->vioapic);
	bus_window_register(&vm->bus, VLAPIC_BASE_GPA, PAGE_SIZE, vm_vlapic_mmio, vm);
	return 0;
}

/*
 * Taking the board down has two halves. board_stop() ends the chips with timers: when
 * their destructors return, nothing raises a line by itself any more. The rest may go
 * only after the vCPUs, whose APIC timers and EOIs reach it. Both take a board that is
 * only partly there.
 */
static void board_stop(struct vm *vm)
{
	if (vm->vrtc)
		vrtc_destroy(vm->vrtc);
	if (vm->vpmtmr)
		vpmtmr_destroy(vm->vpmtmr);
	if (vm->vhpet)
		vhpet_destroy(vm->vhpet);
	if (vm->vatpit)
		vatpit_destroy(vm->vatpit);
}

static void board_destroy(struct vm *vm)
{
	if (vm->vatpic)
		vatpic_destroy(vm->vatpic);
	if (vm->vioapic)
		vioapic_destroy(vm->vioapic);
	irq_fini(&vm->irq);
}

static void board_reset(struct vm *vm)
{
	vpmtmr_reset(vm->vpmtmr);
	vatpit_reset(vm->vatpit);
	vhpet_reset(vm->vhpet);
	vatpic_reset(vm->vatpic);
	vioapic_reset(vm->vioapic);
	vrtc_reset(vm->vrtc);
	irq_reset(&vm->irq);
}

int vm_vlapic_mmio(void *chip, unsigned int vcpuid, u64 offset, bool write, int bytes, u64 *val)
{
	struct vcpu *vcpu = vm_vcpu_find(chip, vcpuid);

	return vlapic_mmio(vcpu->vlapic, offset, write, bytes, val);
}

/* --- operations and references ---------------------------------------- */

/* The last operation has left: whoever destroys the VM waits for it, or has left the rest to us. */
static void vm_ops_release(struct percpu_ref *ops)
{
	struct vm *vm = container_of(ops, struct vm, ops);

	if (cmpxchg(&vm->drain, DRAIN_PENDING, DRAIN_DONE) == DRAIN_HANDED_OVER)
		queue_work(vm_workqueue, &vm->finish_work);
	else
		complete(&vm->ops_drained);
}

int vm_enter(struct vm *vm)
{
	return percpu_ref_tryget_live(&vm->ops) ? 0 : -ENXIO;
}

void vm_leave(struct vm *vm)
{
	percpu_ref_put(&vm->ops);
}

static void vm_release(struct kref *kref)
{
	struct vm *vm = container_of(kref, struct vm, kref);

	percpu_ref_exit(&vm->ops);
	kfree(vm->vcpus);
	kvfree(vm);
}

void vm_put(struct vm *vm)
{
	kref_put(&vm->kref, vm_release);
}

struct vm *vm_get_by_minor(int minor)
{
	struct vm *vm;

	mutex_lock(&registry_mutex);
	vm = idr_find(&minors, minor);
	if (vm)
		kref_get(&vm->kref);
	mutex_unlock(&registry_mutex);
	return vm;
}

/* --- creation --------------------------------------------------------- */

static struct vm *vm_find(const char *name)
{
	struct vm *vm;

	lockdep_assert_held(&registry_mutex);
	list_for_each_entry(vm, &registry, link)
		if (!strcmp(vm->name, name))
			return vm;
	return NULL;
}

static unsigned int vm_count_of(kuid_t owner)
{
	unsigned int count = 0;
	struct vm *vm;

	lockdep_assert_held(&registry_mutex);
	list_for_each_entry(vm, &registry, link)
		count += uid_eq(vm->owner, owner);
	return count;
}

void vm_set_wide_cpuid(struct vm *vm, bool wide)
{
	vm->cpuid.wide = wide;
	vm->cpuid.xcr0_permitted = fpu_xcr0_permitted(wide);
	vm->cpuid.xsave_max_bytes = cpuid_xsave_bytes(&vmm_cpuid_host, vm->cpuid.xcr0_permitted);
}

static void cpuid_policy_init(struct vm *vm)
{
	vm->cpuid.vendor = vm->backend->intel ? CPUID_INTEL : CPUID_AMD;
	vm_set_wide_cpuid(vm, false);
	vm->cpuid.leaf_b = vmm_cpuid_leaf_b;
	vm->cpuid.tsc_invariant = boot_cpu_has(X86_FEATURE_CONSTANT_TSC) &&
				  boot_cpu_has(X86_FEATURE_NONSTOP_TSC) && !check_tsc_unstable();
	vm->cpuid.tsc_deadline = true;
	vm->cpuid.tsc_khz = tsc_khz;
	vm_set_topology(vm, 1, 1, 1);
}

static struct vm *vm_alloc(const char *name)
{
	struct vm *vm = kvzalloc(sizeof(*vm), GFP_KERNEL_ACCOUNT);

	if (!vm)
		return NULL;
	vm->maxcpus = vmm_maxcpu;
	vm->vcpus = kcalloc(vm->maxcpus, sizeof(*vm->vcpus), GFP_KERNEL_ACCOUNT);
	if (!vm->vcpus || percpu_ref_init(&vm->ops, vm_ops_release, 0, GFP_KERNEL)) {
		kfree(vm->vcpus);
		kvfree(vm);
		return NULL;
	}
	strscpy(vm->name, name, sizeof(vm->name));
	vm->owner = current_uid();
	vm->backend = vm_backend;
	kref_init(&vm->kref);
	init_completion(&vm->ops_drained);
	INIT_WORK(&vm->finish_work, vm_finish_work);
	mutex_init(&vm->vcpus_lock);
	mutex_init(&vm->pause_lock);
	raw_spin_lock_init(&vm->suspend_lock);
	init_waitqueue_head(&vm->barrier);
	return vm;
}

/* Everything a VM owns beyond the structure itself; taken down by vm_strip(). */
static int vm_furnish(struct vm *vm)
{
	int err;

	cpuid_policy_init(vm);
	err = vm_mem_init(&vm->mem, vm->backend->pte_format);
	if (err)
		return err;
	err = vm->backend->vm_init(vm);
	if (err)
		goto err_mem;
	err = board_create(vm);
	if (err)
		goto err_board;
	vm->ppt = ppt_vm_create(vm->name, &vm->mem, &vm->irq);
	if (IS_ERR(vm->ppt)) {
		err = PTR_ERR(vm->ppt);
		goto err_board;
	}
	return 0;

err_board:
	board_stop(vm);
	board_destroy(vm);
	vm->backend->vm_fini(vm);
err_mem:
	vm_mem_fini(&vm->mem);
	return err;
}

static void vm_strip(struct vm *vm)
{
	struct vcpu *vcpu;
	unsigned int id;

	/* First of all: nothing sends interrupts or reaches memory any more. */
	ppt_vm_destroy(vm->ppt);
	eventfds_fini(&vm->eventfds);
	board_stop(vm);
	/* An APIC timer notifies its own vCPU only, and is drained before that vCPU is freed. */
	vm_for_each_vcpu(vm, vcpu, id) {
		vcpu_destroy(vcpu);
		WRITE_ONCE(vm->vcpus[id], NULL);
	}
	board_destroy(vm);
	vm->backend->vm_fini(vm);
	vm_mem_fini(&vm->mem);
	kvfree(vm->cpuid.rules);
}

static int vm_register(struct vm *vm)
{
	int err;

	lockdep_assert_held(&registry_mutex);
	vm->minor = idr_alloc(&minors, vm, 0, VMM_MINORS, GFP_KERNEL);
	if (vm->minor < 0)
		return vm->minor == -ENOSPC ? -ENOMEM : vm->minor;
	err = chardev_add_vm(vm);
	if (err) {
		idr_remove(&minors, vm->minor);
		return err;
	}
	list_add_tail(&vm->link, &registry);
	debugfs_add_vm(vm);
	/* Until vm_teardown(): rmmod is refused while a VM exists. */
	__module_get(THIS_MODULE);
	return 0;
}

int vm_create(const char *name, struct vm **vmp)
{
	struct vm *vm;
	int err;

	if (strlen(name) > VM_MAX_NAMELEN || !chardev_name_valid(name))
		return -EINVAL;
	mutex_lock(&registry_mutex);
	err = -EEXIST;
	if (vm_find(name))
		goto out;
	err = -ENXIO;
	if (!vm_backend) {
		hardware_explain_absence();
		goto out;
	}
	err = -ENOMEM;
	if (vm_count_of(current_uid()) >= READ_ONCE(vmm_maxvmms)) {
		pr_info_ratelimited("uid %u reached maxvmms=%u: destroy a VM, or raise it with sysctl hw.vmm.maxvmms\n",
				    from_kuid(&init_user_ns, current_uid()), vmm_maxvmms);
		goto out;
	}
	err = hardware_get(vm_backend);
	if (err)
		goto out;
	err = -ENOMEM;
	vm = vm_alloc(name);
	if (!vm)
		goto out_hardware;
	err = vm_furnish(vm);
	if (err)
		goto out_free;
	err = vm_register(vm);
	if (err)
		goto out_strip;
	if (vmp) {
		kref_get(&vm->kref);
		*vmp = vm;
	}
	mutex_unlock(&registry_mutex);
	return 0;

out_strip:
	vm_strip(vm);
out_free:
	vm_put(vm);
out_hardware:
	hardware_put(vm_backend);
out:
	mutex_unlock(&registry_mutex);
	return err;
}

/* --- destruction ------------------------------------------------------ */

bool vm_may_destroy(const struct vm *vm)
{
	return uid_eq(vm->owner, current_uid()) || capable(CAP_SYS_ADMIN);
}

static void vm_expel(struct vm *vm)
{
	struct vcpu *vcpu;
	unsigned int id;

	mutex_lock(&vm->vcpus_lock);
	WRITE_ONCE(vm->vcpus_closed, true);
	mutex_unlock(&vm->vcpus_lock);
	vm_suspend(vm, VM_SUSPEND_DESTROY_15);
	vm_for_each_vcpu(vm, vcpu, id)
		vcpu_request(vcpu, VCPU_REQ_DYING);
	wake_up_all(&vm->barrier);
}

/* A VM whose vCPUs have not been told to leave; referenced. NULL: none. */
static struct vm *vm_get_unexpelled(void)
{
	struct vm *vm, *found = NULL;

	mutex_lock(&registry_mutex);
	list_for_each_entry(vm, &registry, link)
		if (!READ_ONCE(vm->vcpus_closed)) {
			kref_get(&vm->kref);
			found = vm;
			break;
		}
	mutex_unlock(&registry_mutex);
	return found;
}

/*
 * The host goes down: no vCPU enters its guest any more. The VMs stay as they are. One at a time,
 * for registry_mutex is taken inside of vcpus_lock (a request that makes a segment adds its node).
 */
void vm_stop_all(void)
{
	struct vm *vm;

	while ((vm = vm_get_unexpelled())) {
		vm_expel(vm);
		vm_put(vm);
	}
}

/* No operation is under way and none can begin. */
static void vm_finish(struct vm *vm)
{
	vm_strip(vm);
	hardware_put(vm->backend);
	vm_put(vm);
	module_put(THIS_MODULE);
}

static void vm_finish_work(struct work_struct *work)
{
	vm_finish(container_of(work, struct vm, finish_work));
}

/*
 * The VM has left the registry, so this happens once. An operation may be held up by its own
 * caller for as long as that likes (its argument on a page that userfaultfd serves): destruction
 * waits a second at most, then leaves the rest to whoever finishes last.
 */
static void vm_teardown(struct vm *vm)
{
	chardev_remove_vm(vm);
	percpu_ref_kill(&vm->ops);
	vm_mem_stop(&vm->mem);
	vm_expel(vm);
	if (!wait_for_completion_timeout(&vm->ops_drained, HZ) &&
	    cmpxchg(&vm->drain, DRAIN_PENDING, DRAIN_HANDED_OVER) == DRAIN_PENDING)
		return;
	vm_finish(vm);
}

void vm_destroy(struct vm *vm)
{
	bool first;

	mutex_lock(&registry_mutex);
	first = !list_empty(&vm->link);
	if (first) {
		list_del_init(&vm->link);
		idr_remove(&minors, vm->minor);
		debugfs_remove_vm(vm);
	}
	mutex_unlock(&registry_mutex);
	if (first)
		vm_teardown(vm);
}

int vm_destroy_by_name(const char *name)
{
	struct vm *vm;
	int err = 0;

	mutex_lock(&registry_mutex);
	vm = vm_find(name);
	if (!vm)
		err = -EINVAL;
	else if (!vm_may_destroy(vm))
		err = -EPERM;
	else
		kref_get(&vm->kref);
	mutex_unlock(&registry_mutex);
	if (err)
		return err;
	vm_destroy(vm);
	vm_put(vm);
	return 0;
}

void vm_mark_dead(struct vm *vm, const char *why)
{
	struct vcpu *vcpu;
	unsigned int id;

	if (xchg(&vm->dead, true))
		return;
	pr_err_ratelimited("vm %s: internal inconsistency (%s), VM stopped; destroy it, and report this line\n",
			   vm->name, why);
	vm_for_each_vcpu(vm, vcpu, id)
		vcpu_request(vcpu, VCPU_REQ_DYING);
}

/* --- vCPUs ------------------------------------------------------------ */

struct vcpu *vm_vcpu_find(struct vm *vm, unsigned int id)
{
	if (id >= vm->maxcpus)
		return NULL;
	return smp_load_acquire(&vm->vcpus[array_index_nospec(id, vm->maxcpus)]);
}

struct vcpu *vm_vcpu(struct vm *vm, int id)
{
	struct vcpu *vcpu;

	if (id < 0 || id >= vm->maxcpus)
		return ERR_PTR(-EINVAL);
	vcpu = vm_vcpu_find(vm, id);
	if (vcpu)
		return vcpu;

	mutex_lock(&vm->vcpus_lock);
	vcpu = vm_vcpu_find(vm, id);
	if (!vcpu) {
		vcpu = vm->vcpus_closed ? ERR_PTR(-EINVAL) : vcpu_create(vm, id);
		if (!IS_ERR(vcpu)) {
			if (vm->pausing)
				set_bit(VCPU_REQ_PAUSE, &vcpu->requests);
			timebase_join(vcpu);
			debugfs_add_vcpu(vcpu);
		}
	}
	mutex_unlock(&vm->vcpus_lock);
	return vcpu;
}

static void vm_thaw_below(struct vm *vm, unsigned int end)
{
	struct vcpu *vcpu;
	unsigned int id;

	vm_for_each_vcpu(vm, vcpu, id) {
		if (id >= end)
			break;
		vcpu_thaw(vcpu);
	}
}

int vm_freeze_all(struct vm *vm)
{
	struct vcpu *vcpu;
	unsigned int id;
	int err;

	mutex_lock(&vm->vcpus_lock);
	vm_for_each_vcpu(vm, vcpu, id) {
		err = vcpu_freeze(vcpu);
		if (err) {
			vm_thaw_below(vm, id);
			mutex_unlock(&vm->vcpus_lock);
			return err;
		}
	}
	return 0;
}

void vm_thaw_all(struct vm *vm)
{
	vm_thaw_below(vm, vm->maxcpus);
	mutex_unlock(&vm->vcpus_lock);
}

/* --- suspend, reinit, activation -------------------------------------- */

int vm_suspend(struct vm *vm, int how)
{
	unsigned long flags;
	struct vcpu *vcpu;
	unsigned int id;
	bool first;

	if (how <= VM_SUSPEND_NONE || how > VM_SUSPEND_DESTROY_15)
		return -EINVAL;
	raw_spin_lock_irqsave(&vm->suspend_lock, flags);
	first = vm->suspend == VM_SUSPEND_NONE;
	if (first)
		vm->suspend = how;
	raw_spin_unlock_irqrestore(&vm->suspend_lock, flags);
	if (!first)
		return -EALREADY;

	/* A vCPU that is activated later finds vm->suspend set; see vm_activate_vcpu(). */
	vm_for_each_vcpu(vm, vcpu, id)
		if (test_bit(id, vm->irq.active))
			vcpu_request(vcpu, VCPU_REQ_SUSPEND);
	return 0;
}

int vm_reinit(struct vm *vm)
{
	struct vcpu *vcpu;
	unsigned int id;

	if (!bitmap_equal(vm->suspended, vm->irq.active, VM_MAXCPU))
		return -EBUSY;
	ppt_vm_reset(vm->ppt);
	board_reset(vm);
	vm_for_each_vcpu(vm, vcpu, id) {
		clear_bit(VCPU_REQ_SUSPEND, &vcpu->requests);
		clear_bit(VCPU_REQ_DEBUG, &vcpu->requests);
		vcpu_reset(vcpu);
	}
	vm->tsc_base = 0;
	pvmsr_reset(vm);
	vm_mem_reinit(&vm->mem);
	bitmap_zero(vm->suspended, VM_MAXCPU);
	bitmap_zero(vm->halted, VM_MAXCPU);
	bitmap_zero(vm->debug, VM_MAXCPU);
	vm->suspend = VM_SUSPEND_NONE;
	return 0;
}

int vm_activate_vcpu(struct vcpu *vcpu)
{
	struct vm *vm = vcpu->vm;

	if (test_and_set_bit(vcpu->id, vm->irq.active))
		return -EBUSY;
	/* Pairs with vm_suspend(): either it sees the vCPU active, or we see the reason. */
	smp_mb();
	if (READ_ONCE(vm->suspend) != VM_SUSPEND_NONE)
		vcpu_request(vcpu, VCPU_REQ_SUSPEND);
	return 0;
}

static void vcpu_debug(struct vcpu *vcpu, bool on)
{
	if (on) {
		set_bit(vcpu->id, vcpu->vm->debug);
		vcpu_request(vcpu, VCPU_REQ_DEBUG);
	} else {
		clear_bit(VCPU_REQ_DEBUG, &vcpu->requests);
		clear_bit(vcpu->id, vcpu->vm->debug);
	}
}

int vm_debug_vcpus(struct vm *vm, int id, bool on)
{
	const unsigned long *from = on ? vm->irq.active : vm->debug;
	struct vcpu *vcpu;
	unsigned int i;

	if (id != -1) {
		vcpu = vm_vcpu(vm, id);
		if (IS_ERR(vcpu))
			return PTR_ERR(vcpu);
		if (!test_bit(id, from))
			return -EINVAL;
		vcpu_debug(vcpu, on);
		return 0;
	}
	vm_for_each_vcpu(vm, vcpu, i)
		if (test_bit(i, from))
			vcpu_debug(vcpu, on);
	return 0;
}

int vm_set_topology(struct vm *vm, u16 sockets, u16 cores, u16 threads)
{
	if ((u64)sockets * cores * threads > vm->maxcpus)
		return -EINVAL;
	WRITE_ONCE(vm->cpuid.sockets, sockets);
	WRITE_ONCE(vm->cpuid.cores, cores);
	WRITE_ONCE(vm->cpuid.threads, threads);
	return 0;
}

/* --- module ----------------------------------------------------------- */

static void workqueues_destroy(void)
{
	if (vm_workqueue)
		destroy_workqueue(vm_workqueue);
	if (close_workqueue)
		destroy_workqueue(close_workqueue);
}

int vm_module_init(const struct backend *backend)
{
	vm_workqueue = alloc_workqueue("vmm", WQ_UNBOUND, 0);
	close_workqueue = alloc_workqueue("vmm_close", WQ_UNBOUND, 0);
	if (!vm_workqueue || !close_workqueue) {
		workqueues_destroy();
		return -ENOMEM;
	}
	vm_backend = backend;
	return 0;
}

void vm_module_exit(void)
{
	workqueues_destroy();
	idr_destroy(&minors);
}
