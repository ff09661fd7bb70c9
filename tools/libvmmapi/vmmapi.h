/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/*
 * libvmmapi: vmm(4) as C functions, with the names and arguments of FreeBSD 14.3's library (and
 * vm_openf of 15).
 *
 * Unless a function says otherwise it returns 0, or -1 with errno set by the request it names.
 * Errors of every request on an open machine:
 *	ENXIO	the machine was destroyed
 *	EIO	the machine was found inconsistent and stopped; the kernel log says why
 *	EPERM	the caller may not do this
 *	EINVAL	the vCPU id is outside 0 to hw.vmm.maxcpu - 1
 * Guest-physical addresses (gpa) and lengths are in bytes.
 *
 * A struct vmctx and the struct vcpu made from it may be used by several threads at once, except
 * that vm_get_stats, vm_get_stat_desc and vm_setup_memory must not run twice at the same time on
 * the same handle, and that nothing may use a handle which is being closed.
 *
 * cpuset_t is the C library's cpu_set_t: define _GNU_SOURCE before the first #include to use
 * CPU_ISSET() and the others on it.
 */
#ifndef VMMAPI_H
#define VMMAPI_H

#include <sys/time.h>
#include <sys/uio.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <time.h>

#include <machine/vmm.h>
#include <machine/vmm_dev.h>
#include <machine/vmm_snapshot.h>

#ifdef __cplusplus
extern "C" {
#endif

#define VMMAPI_VERSION	0200		/* that of FreeBSD 14 */

struct vmctx;				/* an open machine */
struct vcpu;				/* one virtual processor of an open machine */

typedef unsigned long cap_ioctl_t;	/* a request number */

/* How vm_setup_memory maps guest memory into this process. Only VM_MMAP_ALL is accepted. */
enum vm_mmap_style {
	VM_MMAP_NONE,
	VM_MMAP_ALL,
	VM_MMAP_SPARSE,
};

/* vm_set_memflags */
#define VM_MEM_F_INCORE	0x01		/* guest memory goes into core dumps of this process */
#define VM_MEM_F_WIRED	0x02		/* guest memory is populated at once and never swapped */

/*
 * vm_openf: create the machine if there is none of that name; reset (vm_reinit) one that is there;
 * with CREATE, a machine created here dies with this handle or process.
 */
#define VMMAPI_OPEN_CREATE			0x01
#define VMMAPI_OPEN_REINIT			0x02
#define VMMAPI_OPEN_CREATE_DESTROY_ON_CLOSE	0x04

/*
 * Machines: vm.c
 */

/*
 * Creates the machine NAME: 1 to VM_MAX_NAMELEN bytes without white space, quotes or slashes. It
 * lives until it is destroyed, whatever becomes of this process. Opening /dev/vmmctl loads the
 * module where it is not loaded yet.
 *	EEXIST	the name is taken		EINVAL	bad name
 *	ENXIO	no usable VT-x or AMD-V		EBUSY	another hypervisor holds VT-x or AMD-V
 *	ENOMEM	out of memory, or the user has hw.vmm.maxvmms machines already
 *	EACCES	no access to /dev/vmmctl	ENOENT	the module is not loaded
 * VMMCTL_VM_CREATE on /dev/vmmctl; where that node does not exist, /proc/sys/hw/vmm/create.
 */
int	vm_create(const char *name);

/*
 * Opens the machine NAME. Returns a handle for vm_close or vm_destroy, or NULL: ENOENT (no such
 * machine), EACCES, EINVAL (no name of a machine), ENOMEM. No request: open() of /dev/vmm/NAME.
 */
struct vmctx *vm_open(const char *name);

/*
 * vm_open with VMMAPI_OPEN_* flags. Returns a handle or NULL, errno as for vm_create, vm_open and
 * vm_reinit; EINVAL: unknown flag. A machine created by a call that fails later is destroyed again.
 * VMMCTL_VM_CREATE, VM_REINIT.
 */
struct vmctx *vm_openf(const char *name, int flags);

/*
 * Frees the handle, not the machine. Its struct vcpu must be closed before; memory it mapped stays
 * mapped. No request: close().
 */
void	vm_close(struct vmctx *ctx);

/*
 * vm_close, then destroys the machine. Other descriptors of it get ENXIO from now on.
 * VMMCTL_VM_DESTROY, or /proc/sys/hw/vmm/destroy.
 */
void	vm_destroy(struct vmctx *ctx);

/*
 * On FreeBSD: limits the descriptor with Capsicum. Linux has no descriptor rights: a monitor that
 * wants the same installs a seccomp filter made from vm_get_ioctls(). Returns 0. No request.
 */
int	vm_limit_rights(struct vmctx *ctx);

/* The descriptor of /dev/vmm/NAME, owned by CTX. Never fails. No request. */
int	vm_get_device_fd(struct vmctx *ctx);

/*
 * The requests a monitor needs once its machine is set up, for a system call filter. LEN NULL:
 * returns the array; it is the library's. LEN not NULL: stores the number of entries in *LEN and
 * returns NULL. No request.
 */
const cap_ioctl_t *vm_get_ioctls(size_t *len);

/* The machine's name; valid as long as CTX. No request. */
const char *vm_get_name(struct vmctx *ctx);

/*
 * Stops all vCPUs: VM_RUN returns SUSPENDED with HOW on each of them, once every active vCPU has
 * come to it. Returns at once.
 *	EINVAL		HOW is none of the reasons
 *	EALREADY	suspended before; the first reason stands
 * VM_SUSPEND.
 */
int	vm_suspend(struct vmctx *ctx, enum vm_suspend_how how);

/*
 * Devices and vCPUs back to their reset state; system memory and its mappings stay. EBUSY: vCPUs
 * are still running. VM_REINIT.
 */
int	vm_reinit(struct vmctx *ctx);

/* vCPU id for a local APIC id: the same number. No request. */
int	vm_apicid2vcpu(struct vmctx *ctx, int apicid);

/*
 * What CPUID tells of packages, cores in each, threads in each core. EINVAL: the product exceeds
 * hw.vmm.maxcpu. MAXCPUS is ignored. VM_SET_TOPOLOGY.
 */
int vm_set_topology(struct vmctx *ctx, uint16_t sockets, uint16_t cores, uint16_t threads,
		    uint16_t maxcpus);

/* The same, and in *MAXCPUS how many vCPUs the machine may have. VM_GET_TOPOLOGY. */
int vm_get_topology(struct vmctx *ctx, uint16_t *sockets, uint16_t *cores, uint16_t *threads,
		    uint16_t *maxcpus);

/* Set of vCPUs that vm_activate_cpu made part of the machine. VM_GET_CPUS. */
int	vm_active_cpus(struct vmctx *ctx, cpuset_t *cpus);

/* Set of vCPUs that have stopped for a suspended machine. VM_GET_CPUS. */
int	vm_suspended_cpus(struct vmctx *ctx, cpuset_t *cpus);

/* Set of vCPUs held by vm_suspend_cpu. VM_GET_CPUS. */
int	vm_debug_cpus(struct vmctx *ctx, cpuset_t *cpus);

/* Holds all active vCPUs: VM_RUN returns DEBUG without entering the guest. VM_SUSPEND_CPU. */
int	vm_suspend_all_cpus(struct vmctx *ctx);

/* Lets all held vCPUs go on. VM_RESUME_CPU. */
int	vm_resume_all_cpus(struct vmctx *ctx);

/*
 * Guest memory: memory.c
 */

/*
 * Reads a memory size: a number with suffix b, k, m, g, t, p or e in either case, powers of 1024;
 * without suffix bytes, or MiB where the number is below 1 MiB. Returns 0, or -1: EINVAL (no
 * number), ERANGE (does not fit). No request.
 */
int	vm_parse_memsize(const char *optarg, size_t *memsize);

/*
 * Memory up to this gpa is low memory, the rest begins at 4 GiB. 3 GiB unless set; set it before
 * vm_setup_memory, page aligned, at most 4 GiB - 4 KiB. No request.
 */
uint32_t vm_get_lowmem_limit(struct vmctx *ctx);
void	vm_set_lowmem_limit(struct vmctx *ctx, uint32_t limit);

/* VM_MEM_F_*; set before vm_setup_memory. No request. */
void	vm_set_memflags(struct vmctx *ctx, int flags);
int	vm_get_memflags(struct vmctx *ctx);

/* Bytes of memory at gpa 0, and at gpa 4 GiB; 0 before vm_setup_memory. No request. */
size_t	vm_get_lowmem_size(struct vmctx *ctx);
size_t	vm_get_highmem_size(struct vmctx *ctx);

/*
 * Where this process has guest memory (gpa 0 at *BASE), and both sizes in bytes. Returns 0. No
 * request.
 */
int	vm_get_guestmem_from_ctx(struct vmctx *ctx, char **base, size_t *lowmem, size_t *highmem);

/*
 * Gives the machine LEN bytes of memory, page aligned, and maps it here between inaccessible guards
 * of 4 MiB. One segment, in which offset is gpa. A machine that has this memory already (after
 * vm_reinit, or of another process) keeps it. STYLE other than VM_MMAP_ALL: EINVAL.
 *	EINVAL	LEN is 0 or not page aligned, or differs from what the machine has
 *	ENOMEM	not to be had
 * VM_GET_MEMSEG, VM_ALLOC_MEMSEG, VM_MMAP_GETNEXT, VM_MMAP_MEMSEG, mmap of /dev/vmm/NAME at offset
 * gpa.
 */
int	vm_setup_memory(struct vmctx *ctx, size_t len, enum vm_mmap_style style);

/*
 * Device memory: allocates segment SEGID of LEN bytes (page aligned) under NAME (1 to 15 bytes) and
 * maps it here. The guest sees it after vm_mmap_memseg. Returns its address, or MAP_FAILED with
 * errno as for vm_setup_memory or open(). VM_GET_MEMSEG, VM_ALLOC_MEMSEG, mmap of
 * /dev/vmm.io/NAME.SEG at offset 0.
 */
void	*vm_create_devmem(struct vmctx *ctx, int segid, const char *name, size_t len);

/*
 * Length and name of segment SEGID; an unallocated one has length 0. NAME has room for NAMESIZ
 * bytes and may be NULL if that is 0. ENAMETOOLONG: the name does not fit. EINVAL: no such id.
 * VM_GET_MEMSEG.
 */
int	vm_get_memseg(struct vmctx *ctx, int segid, size_t *lenp, char *name, size_t namesiz);

/*
 * The first mapping at or above *GPA, in all the results. For the next one pass *gpa + *len.
 * ENOENT: none. VM_MMAP_GETNEXT.
 */
int vm_mmap_getnext(struct vmctx *ctx, vm_paddr_t *gpa, int *segid, vm_ooffset_t *segoff,
		    size_t *len, int *prot, int *flags);

/*
 * Maps LEN bytes of segment SEGID from SEGOFF on at GPA, all page aligned, with PROT (PROT_READ,
 * _WRITE, _EXEC). The same mapping once more is no error; another one at that gpa: EEXIST. EINVAL:
 * arguments; ENOSPC: all mappings used; EFAULT: range not free; ENOMEM. VM_MMAP_GETNEXT,
 * VM_MMAP_MEMSEG.
 */
int vm_mmap_memseg(struct vmctx *ctx, vm_paddr_t gpa, int segid, vm_ooffset_t segoff, size_t len,
		   int prot);

/* Removes a mapping, exactly as it was made, else EINVAL. VM_MUNMAP_MEMSEG. */
int	vm_munmap_memseg(struct vmctx *ctx, vm_paddr_t gpa, size_t len);

/*
 * Address in this process of LEN bytes of system memory at GADDR, or NULL where not all of it is
 * system memory. No request.
 */
void	*vm_map_gpa(struct vmctx *ctx, vm_paddr_t gaddr, size_t len);

/* gpa of an address that vm_map_gpa returned, or (vm_paddr_t)-1. No request. */
vm_paddr_t vm_rev_map_gpa(struct vmctx *ctx, void *addr);

/*
 * The nested page-table entries that translate GPA, root first, in up to four PTE; their number in
 * *NUM. Debugging. VM_GET_GPA_PMAP.
 */
int	vm_get_gpa_pmap(struct vmctx *ctx, uint64_t gpa, uint64_t *pte, int *num);

/*
 * Guest-linear addresses: translate.c
 */

/*
 * Translates the linear address GLA as PAGING tells, for an access PROT (PROT_READ, _WRITE, _EXEC).
 * Result 0 and *FAULT 0: *GPA is valid. Result 0 and *FAULT 1: the guest faults; vm_gla2gpa has
 * injected #PF or #GP, and the vCPU only has to be run again. EFAULT: a page table is not in
 * memory. vm_gla2gpa_nofault injects nothing and sets no accessed and dirty bits. VM_GLA2GPA,
 * VM_GLA2GPA_NOFAULT.
 */
int vm_gla2gpa(struct vcpu *vcpu, struct vm_guest_paging *paging, uint64_t gla, int prot,
	       uint64_t *gpa, int *fault);
int vm_gla2gpa_nofault(struct vcpu *vcpu, struct vm_guest_paging *paging, uint64_t gla, int prot,
		       uint64_t *gpa, int *fault);

/*
 * Translates LEN bytes at GLA into IOV, one entry a page (IOVCNT >= number of pages touched), for
 * vm_copyin and vm_copyout. Results and *FAULT as vm_gla2gpa; EFAULT also where a page is not
 * system memory or IOV is too small. VM_GLA2GPA for each page.
 */
int vm_copy_setup(struct vcpu *vcpu, struct vm_guest_paging *paging, uint64_t gla, size_t len,
		  int prot, struct iovec *iov, int iovcnt, int *fault);

/*
 * Copies LEN bytes out of, or into, guest memory that vm_copy_setup translated. Cannot fail; LEN,
 * in bytes, at most what was set up. No request.
 */
void	vm_copyin(struct iovec *guest_iov, void *host_dst, size_t len);
void	vm_copyout(const void *host_src, struct iovec *guest_iov, size_t len);

/* Ends the use of the IOVCNT entries of IOV. No request. */
void	vm_copy_teardown(struct iovec *iov, int iovcnt);

/*
 * Virtual processors: vcpu.c
 */

/*
 * A handle for vCPU VCPUID, or NULL: ENOMEM. The kernel hears of it with the first request. No
 * request.
 */
struct vcpu *vm_vcpu_open(struct vmctx *ctx, int vcpuid);

/* Frees the handle; the vCPU stays what it is. No request. */
void	vm_vcpu_close(struct vcpu *vcpu);

/* The number given to vm_vcpu_open. No request. */
int	vcpu_id(struct vcpu *vcpu);

/* Makes the vCPU part of the machine; needed before vm_run. EBUSY: it is. VM_ACTIVATE_CPU. */
int	vm_activate_cpu(struct vcpu *vcpu);

/* Holds an active vCPU: VM_RUN returns DEBUG. EINVAL: not active. VM_SUSPEND_CPU. */
int	vm_suspend_cpu(struct vcpu *vcpu);

/* Lets a held vCPU go on. EINVAL: not held. VM_RESUME_CPU. */
int	vm_resume_cpu(struct vcpu *vcpu);

/*
 * Runs the vCPU in the calling thread until something is left to do here: VMRUN->vm_exit and
 * VMRUN->cpuset point to what the kernel fills, and VMRUN->cpusetsize is the room at the latter;
 * VMRUN->cpuid is set here. A pending signal ends it with exit code BOGUS and result 0.
 *	EINVAL	not active, or the machine is suspended
 *	EFAULT	memory or an instruction could not be had
 *	EIO	a device in the kernel refused the access
 * VM_RUN.
 */
int	vm_run(struct vcpu *vcpu, struct vm_run *vmrun);

/*
 * One register, an enum vm_reg_name. EINVAL: no such register on this processor. VM_SET_REGISTER,
 * VM_GET_REGISTER.
 */
int	vm_set_register(struct vcpu *vcpu, int reg, uint64_t val);
int	vm_get_register(struct vcpu *vcpu, int reg, uint64_t *retval);

/*
 * COUNT registers (at most VM_REG_LAST) in order; stops at the first that fails.
 * VM_SET_REGISTER_SET, VM_GET_REGISTER_SET.
 */
int vm_set_register_set(struct vcpu *vcpu, unsigned int count, const int *regnums,
			uint64_t *regvals);
int vm_get_register_set(struct vcpu *vcpu, unsigned int count, const int *regnums,
			uint64_t *regvals);

/*
 * Hidden part of segment register REG, or GDTR or IDTR. LIMIT in bytes, ACCESS as SEG_DESC_* take
 * it apart. EINVAL: no such register.
 * VM_SET_SEGMENT_DESCRIPTOR, VM_GET_SEGMENT_DESCRIPTOR.
 */
int	vm_set_desc(struct vcpu *vcpu, int reg, uint64_t base, uint32_t limit, uint32_t access);
int	vm_get_desc(struct vcpu *vcpu, int reg, uint64_t *base, uint32_t *limit, uint32_t *access);
int	vm_get_seg_desc(struct vcpu *vcpu, int reg, struct seg_desc *seg_desc);

/* Number of the capability called CAPNAME, or -1; its name, or NULL. No request. */
int	vm_capability_name2type(const char *capname);
const char *vm_capability_type2name(int type);

/*
 * Capability CAP of this vCPU. ENOENT: this processor does not have it. EINVAL: no such capability
 * or value. VM_GET_CAPABILITY, VM_SET_CAPABILITY.
 */
int	vm_get_capability(struct vcpu *vcpu, enum vm_cap_type cap, int *retval);
int	vm_set_capability(struct vcpu *vcpu, enum vm_cap_type cap, int val);

/* Mode of the local APIC; set it before the vCPU runs. VM_GET_X2APIC_STATE, VM_SET_X2APIC_STATE. */
int	vm_get_x2apic_state(struct vcpu *vcpu, enum x2apic_state *s);
int	vm_set_x2apic_state(struct vcpu *vcpu, enum x2apic_state s);

/*
 * Exception VECTOR (0 to 31, not 8) before the next instruction, with ERRCODE if ERRCODE_VALID.
 * RESTART_INSTRUCTION: it is a fault of the instruction that exited, which the guest shall find at
 * its return. EBUSY: one is pending. VM_INJECT_EXCEPTION.
 */
int vm_inject_exception(struct vcpu *vcpu, int vector, int errcode_valid, uint32_t errcode,
			int restart_instruction);

/* The instruction that exited is executed again by the next vm_run. VM_RESTART_INSTRUCTION. */
int	vm_restart_instruction(struct vcpu *vcpu);

/*
 * I1: the event whose delivery the last exit interrupted; I2: the pending exception; VM_INTINFO_*.
 * Setting 0 drops the event. EINVAL: no event of the processor's. VM_GET_INTINFO, VM_SET_INTINFO.
 */
int	vm_get_intinfo(struct vcpu *vcpu, uint64_t *i1, uint64_t *i2);
int	vm_set_intinfo(struct vcpu *vcpu, uint64_t exit_intinfo);

/*
 * Register states: reset.c, freebsd.c
 */

/*
 * The vCPU's registers as after power-on: real mode, at the reset vector 0xfffffff0. Many
 * VM_SET_REGISTER and VM_SET_SEGMENT_DESCRIPTOR.
 */
int	vcpu_reset(struct vcpu *vcpu);

/*
 * 64-bit mode as FreeBSD's amd64 kernel expects it: paging by CR3, and the three descriptors of
 * vm_setup_freebsd_gdt at gpa GDTBASE. VM_SET_REGISTER, VM_SET_SEGMENT_DESCRIPTOR.
 */
int vm_setup_freebsd_registers(struct vcpu *vcpu, uint64_t rip, uint64_t cr3, uint64_t gdtbase,
			       uint64_t rsp);

/*
 * Protected mode without paging as FreeBSD's i386 kernel expects it; writes its descriptors to gpa
 * GDTBASE. EFAULT: that is not system memory. VM_SET_REGISTER, VM_SET_SEGMENT_DESCRIPTOR.
 */
int vm_setup_freebsd_registers_i386(struct vcpu *vcpu, uint32_t eip, uint32_t gdtbase,
				    uint32_t esp);

/* Fills the three descriptors (null, code, data; 8 bytes each) at GDTR. No request. */
void	vm_setup_freebsd_gdt(uint64_t *gdtr);

/*
 * Interrupts: irq.c
 */

/*
 * Edge interrupt VECTOR (16 to 255) to this vCPU's local APIC. EINVAL: other vector. VM_LAPIC_IRQ.
 */
int	vm_lapic_irq(struct vcpu *vcpu, int vector);

/*
 * Triggers entry VECTOR (APIC_LVT_*) of the local vector table. EINVAL: no such entry.
 * VM_LAPIC_LOCAL_IRQ.
 */
int	vm_lapic_local_irq(struct vcpu *vcpu, int vector);

/*
 * Message-signalled interrupt: ADDR in 0xfee00000 to 0xfeefffff, else EINVAL; MSG is the data.
 * VM_LAPIC_MSI.
 */
int	vm_lapic_msi(struct vmctx *ctx, uint64_t addr, uint64_t msg);

/*
 * I/O APIC pin IRQ, 0 to 31, else EINVAL. Asserts are counted. VM_IOAPIC_ASSERT_IRQ,
 * VM_IOAPIC_DEASSERT_IRQ, VM_IOAPIC_PULSE_IRQ.
 */
int	vm_ioapic_assert_irq(struct vmctx *ctx, int irq);
int	vm_ioapic_deassert_irq(struct vmctx *ctx, int irq);
int	vm_ioapic_pulse_irq(struct vmctx *ctx, int irq);

/* Number of I/O APIC pins. VM_IOAPIC_PINCOUNT. */
int	vm_ioapic_pincount(struct vmctx *ctx, int *pincount);

/*
 * 8259 input ATPIC_IRQ (0 to 15) and I/O APIC pin IOAPIC_IRQ (0 to 31, or -1 for none), else
 * EINVAL. VM_ISA_ASSERT_IRQ, VM_ISA_DEASSERT_IRQ, VM_ISA_PULSE_IRQ.
 */
int	vm_isa_assert_irq(struct vmctx *ctx, int atpic_irq, int ioapic_irq);
int	vm_isa_deassert_irq(struct vmctx *ctx, int atpic_irq, int ioapic_irq);
int	vm_isa_pulse_irq(struct vmctx *ctx, int atpic_irq, int ioapic_irq);

/*
 * Edge or level for an 8259 input. EINVAL: no such input, or level for 0, 1, 2, 8 or 13.
 * VM_ISA_SET_IRQ_TRIGGER.
 */
int	vm_isa_set_irq_trigger(struct vmctx *ctx, int atpic_irq, enum vm_intr_trigger trigger);

/* Non-maskable interrupt. VM_INJECT_NMI. */
int	vm_inject_nmi(struct vcpu *vcpu);

/*
 * Devices in the kernel: device.c
 */

/*
 * One access of SIZE bytes (1, 2, 4 or 8) at GPA to the local APIC, I/O APIC or HPET, as if by this
 * vCPU. EINVAL: not theirs, or bad size. VM_GET_KERNEMU_DEV, VM_SET_KERNEMU_DEV.
 */
int vm_readwrite_kernemu_device(struct vcpu *vcpu, vm_paddr_t gpa, bool write, int size,
				uint64_t *value);

/* Low half of the HPET's capability register. VM_GET_HPET_CAPABILITIES. */
int	vm_get_hpet_capabilities(struct vmctx *ctx, uint32_t *capabilities);

/*
 * One byte of the clock's memory: writes 14 to 127 except 0x32, reads 0 to 127, else EINVAL.
 * VM_RTC_WRITE, VM_RTC_READ.
 */
int	vm_rtc_write(struct vmctx *ctx, int offset, uint8_t value);
int	vm_rtc_read(struct vmctx *ctx, int offset, uint8_t *retval);

/* The clock, in seconds since 1970. EBUSY: the guest holds it. VM_RTC_SETTIME, VM_RTC_GETTIME. */
int	vm_rtc_settime(struct vmctx *ctx, time_t secs);
int	vm_rtc_gettime(struct vmctx *ctx, time_t *secs);

/*
 * PCI devices passed through: ppt.c. All: ENOENT: no such device, or not reserved for passthrough;
 * EBUSY: it belongs to another machine, or to none where it should be this one's.
 */

/*
 * Gives host function BUS:SLOT.FUNC to the machine, after a reset; takes it back. ENXIO: no IOMMU.
 * VM_BIND_PPTDEV, VM_UNBIND_PPTDEV.
 */
int	vm_assign_pptdev(struct vmctx *ctx, int bus, int slot, int func);
int	vm_unassign_pptdev(struct vmctx *ctx, int bus, int slot, int func);

/*
 * LEN bytes of one of the device's own memory BARs, at host address HPA, appear at GPA; all page
 * aligned. EINVAL: not inside a BAR. ENOSPC: seven are in use. VM_MAP_PPTDEV_MMIO,
 * VM_UNMAP_PPTDEV_MMIO.
 */
int vm_map_pptdev_mmio(struct vmctx *ctx, int bus, int slot, int func, vm_paddr_t gpa, size_t len,
		       vm_paddr_t hpa);
int vm_unmap_pptdev_mmio(struct vmctx *ctx, int bus, int slot, int func, vm_paddr_t gpa,
			 size_t len);

/*
 * NUMVEC (0 to 32) MSI vectors, delivered as ADDR with data MSG, MSG + 1, ...; 0: off. ENOSPC,
 * ENXIO: not to be had. VM_PPTDEV_MSI.
 */
int vm_setup_pptdev_msi(struct vmctx *ctx, int bus, int slot, int func, uint64_t addr, uint64_t msg,
			int numvec);

/* Entry IDX of the MSI-X table, armed unless bit 0 of VECTOR_CONTROL is set. VM_PPTDEV_MSIX. */
int vm_setup_pptdev_msix(struct vmctx *ctx, int bus, int slot, int func, int idx, uint64_t addr,
			 uint64_t msg, uint32_t vector_control);

/* All MSI-X entries off. VM_PPTDEV_DISABLE_MSIX. */
int	vm_disable_pptdev_msix(struct vmctx *ctx, int bus, int slot, int func);

/*
 * The same by the requests of <vmm_linux.h>, where struct vml_ppt_info and the numbers of regions are:
 * ppt_linux.c. Not in FreeBSD's library. Errors as above, and there.
 */
struct vml_ppt_info;

struct vm_ppt_addr {
	uint32_t	domain, bus, slot, func;
};

int	vm_ppt_bind(struct vmctx *ctx, const struct vm_ppt_addr *addr);
int	vm_ppt_unbind(struct vmctx *ctx, const struct vm_ppt_addr *addr);
int	vm_ppt_reset(struct vmctx *ctx, const struct vm_ppt_addr *addr);
int	vm_ppt_info(struct vmctx *ctx, const struct vm_ppt_addr *addr, struct vml_ppt_info *info);
int vm_ppt_map(struct vmctx *ctx, const struct vm_ppt_addr *addr, vm_paddr_t gpa, size_t len,
	       vm_paddr_t hpa);
int	vm_ppt_unmap(struct vmctx *ctx, const struct vm_ppt_addr *addr, vm_paddr_t gpa, size_t len);
/* Level-triggered to PIN of the I/O APIC; -1: off. */
int	vm_ppt_intx(struct vmctx *ctx, const struct vm_ppt_addr *addr, int pin);
int vm_ppt_msi(struct vmctx *ctx, const struct vm_ppt_addr *addr, uint64_t msi_addr,
	       uint64_t msi_data, int vectors);
int vm_ppt_msix(struct vmctx *ctx, const struct vm_ppt_addr *addr, int index, uint64_t msi_addr,
		uint64_t msi_data, bool masked);
int	vm_ppt_msix_off(struct vmctx *ctx, const struct vm_ppt_addr *addr);
int vm_ppt_read(struct vmctx *ctx, const struct vm_ppt_addr *addr, int region, uint64_t offset,
		int width, uint64_t *value);
int vm_ppt_write(struct vmctx *ctx, const struct vm_ppt_addr *addr, int region, uint64_t offset,
		 int width, uint64_t value);
/* FD, an eventfd, tells when the host takes the device away. -1: none. */
int	vm_ppt_event(struct vmctx *ctx, const struct vm_ppt_addr *addr, int fd);

/*
 * Statistics: stats.c
 */

/*
 * All values of this vCPU; their number in *RET_ENTRIES and the time in *RET_TV, each unless NULL.
 * Returns an array that belongs to VCPU and is valid until the next call, or NULL. Which value is
 * what: vm_get_stat_desc. VM_STATS, repeated.
 */
uint64_t *vm_get_stats(struct vcpu *vcpu, struct timeval *ret_tv, int *ret_entries);

/* Description of value INDEX, valid until the next call; NULL past the last one. VM_STAT_DESC. */
const char *vm_get_stat_desc(struct vmctx *ctx, int index);

/*
 * Snapshots: snapshot.c
 */

/*
 * Saves or restores one record of the machine's kernel state; META says which, and where. E2BIG:
 * the buffer is too small. VM_SNAPSHOT_REQ.
 */
int	vm_snapshot_req(struct vmctx *ctx, struct vm_snapshot_meta *meta);

/* Sets timers and TSCs going again after the last record was restored. VM_RESTORE_TIME. */
int	vm_restore_time(struct vmctx *ctx);

#ifdef __cplusplus
}
#endif

#endif /* VMMAPI_H */
