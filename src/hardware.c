// SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
#define pr_fmt(fmt) "vmm: " fmt
#include <linux/cpu.h>
#include <linux/cpuhotplug.h>
#include <linux/kobject.h>
#include <linux/module.h>
#include <linux/mutex.h>
#include <linux/reboot.h>
#include <linux/sched/smt.h>
#include <asm/cpufeature.h>
#include "hardware.h"
#include "vm.h"

static DEFINE_MUTEX(hardware_mutex);
static unsigned int hardware_users;		/* hardware_mutex */
static int hardware_hp_state;			/* hardware_mutex */
static const struct backend *hardware_backend;	/* hardware_mutex; constant while users > 0 */

static const char *on_off(unsigned int feature)
{
	return boot_cpu_has(feature) ? "on" : "off";
}

/*
 * What the kernel's own switches make us do at entry and exit, in the words of its
 * documentation.
 */
static void hardware_print_mitigations(void)
{
	pr_info("mitigations: rsb=%s verw=%s untrain=%s ibpb=%s vmscape=%s smt=%s\n",
		on_off(X86_FEATURE_RSB_VMEXIT), on_off(X86_FEATURE_CLEAR_CPU_BUF_VM),
		on_off(X86_FEATURE_UNRET), on_off(X86_FEATURE_USE_IBPB),
		on_off(X86_FEATURE_IBPB_EXIT_TO_USER), sched_smt_active() ? "on" : "off");
}

/* --- reboot ----------------------------------------------------------- */

/*
 * INIT is held off in VMX root mode, and the next kernel wants clean processors: stop and
 * switch off.
 */
static void cpu_switch_off(void *backend)
{
	((const struct backend *)backend)->cpu_disable();
}

static int hardware_reboot(struct notifier_block *nb, unsigned long action, void *data)
{
	vm_stop_all();
	mutex_lock(&hardware_mutex);
	if (hardware_users)
		on_each_cpu(cpu_switch_off, (void *)hardware_backend, 1);
	mutex_unlock(&hardware_mutex);
	return NOTIFY_OK;
}

static struct notifier_block reboot_notifier = { .notifier_call = hardware_reboot };

/* --- probing ---------------------------------------------------------- */

/* From CPUID: the kernel hides VT-x that firmware has switched off, and the backend can say so. */
static bool cpu_has_vmx(void)
{
	return cpuid_ecx(1) & BIT(5);
}

const struct backend *hardware_probe(void)
{
	const struct backend *backend;

	if (!boot_cpu_has(X86_FEATURE_SVM) && !cpu_has_vmx()) {
		hardware_explain_absence();
		return NULL;
	}
	backend = boot_cpu_has(X86_FEATURE_SVM) ? &svm_backend : &vmx_backend;
	if (backend->setup())
		return NULL;
	if (!backend->intel)
		hardware_print_mitigations();
	register_reboot_notifier(&reboot_notifier);
	return backend;
}

void hardware_release(const struct backend *backend)
{
	if (!backend)
		return;
	unregister_reboot_notifier(&reboot_notifier);
	backend->teardown();
}

void hardware_explain_absence(void)
{
	if (!boot_cpu_has(X86_FEATURE_SVM) && !cpu_has_vmx())
		pr_info_ratelimited("CPU has neither VT-x nor AMD-V (or the firmware or an outer hypervisor hides it): VM creation will fail\n");
	else
		pr_info_ratelimited("hardware virtualization was found unusable when the module was loaded: see the vmm: line of that time\n");
}

/* The module @name, if it is loaded, with its users. */
static bool module_loaded(const char *name, int *users)
{
	struct kobject *kobj = kset_find_obj(THIS_MODULE->mkobj.kobj.kset, name);
	struct module_kobject *mk;

	if (!kobj)
		return false;
	mk = container_of(kobj, struct module_kobject, kobj);
	*users = mk->mod ? module_refcount(mk->mod) : 0;
	kobject_put(kobj);
	return true;
}

static void hardware_explain_busy(const struct backend *backend)
{
	int users;

	if (module_loaded(backend->kvm_module, &users))
		pr_warn_ratelimited("%s is in use by %s (%d users); VM creation will fail until it is released: modprobe -r %s, or 'options kvm enable_virt_at_load=0' in /etc/modprobe.d/kvm.conf\n",
				    backend->feature, backend->kvm_module, users,
				    backend->kvm_module);
	else
		pr_warn_ratelimited("%s is in use by another hypervisor; VM creation will fail until it is unloaded (vboxdrv? vmmon?)\n",
				    backend->feature);
}

static int hardware_cpu_online(unsigned int cpu)
{
	unsigned long flags;
	int err;

	local_irq_save(flags);
	err = hardware_backend->cpu_enable();
	local_irq_restore(flags);
	return err;
}

static int hardware_cpu_offline(unsigned int cpu)
{
	unsigned long flags;

	local_irq_save(flags);
	hardware_backend->cpu_disable();
	local_irq_restore(flags);
	return 0;
}

int hardware_get(const struct backend *backend)
{
	int state = 0;

	mutex_lock(&hardware_mutex);
	if (!hardware_users) {
		hardware_backend = backend;
		state = cpuhp_setup_state(CPUHP_AP_ONLINE_DYN, "vmm:online",
					  hardware_cpu_online, hardware_cpu_offline);
		if (state >= 0)
			hardware_hp_state = state;
	}
	if (state >= 0)
		hardware_users++;
	mutex_unlock(&hardware_mutex);
	if (state == -EBUSY)
		hardware_explain_busy(backend);
	return min(state, 0);
}

void hardware_put(const struct backend *backend)
{
	mutex_lock(&hardware_mutex);
	if (!--hardware_users)
		cpuhp_remove_state(hardware_hp_state);
	mutex_unlock(&hardware_mutex);
}
