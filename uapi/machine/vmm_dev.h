/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * vmm(4): the requests of /dev/vmm/NAME and their arguments.
 *
 * Names, layouts, group and numbers are those of FreeBSD 14.3 on amd64; the request words are made
 * with Linux's own macros, so a program is compiled from source. "[5.2]" stands for semantics.md
 * section 5.2.
 *
 * Under each request, indented, are its lock class and its errors. Lock classes [3.3, 4]:
 *
 *	one vCPU	The vCPU is stopped first, wherever it runs, and kept for the caller.
 *	all vCPUs	Every vCPU that exists is, and no new one appears meanwhile.
 *	memory		All vCPUs, and the memory map exclusively.
 *	map		The memory map shared; vCPUs run on.
 *	look-up		The vCPU is found, and runs on.
 *	none		Nothing is held; the devices have locks of their own.
 *
 * In "one vCPU" and "look-up", the first int of the argument is the vCPU's id, at least 0 and below
 * the VM's vCPU limit (hw.vmm.maxcpu when the VM was made). The first request that names a vCPU
 * creates it, in the state of [6.4]. Stopping waits until a running VM_RUN has returned (it returns
 * REQIDLE) and cannot be interrupted.
 *
 * Errors that every request can give, not repeated below. Nothing is copied out on an error,
 * unless said:
 *
 *	EINVAL		The vCPU id is out of range, or new and the VM is being destroyed.
 *	EPERM		Not allowed to the caller [2].
 *	ENXIO		The VM has been destroyed.
 *	EIO		The VM is dead, for a reason in the kernel log. It can only be destroyed.
 *	ENOTTY		There is no such request.
 *	EFAULT		The argument, or memory it points to, cannot be read or written.
 *	ENOMEM		The host has no memory for it.
 *
 * "in" is read, "out" is written, "in/out" both.
 */
#ifndef _MACHINE_VMM_DEV_H_
#define _MACHINE_VMM_DEV_H_

#include <linux/ioctl.h>
#include "vmm.h"

/* ======== memory [5] ====================================================================== */

#define VM_MAX_MEMSEGS		4		/* segment ids are 0 to 3 */
#define VM_MAX_MEMMAPS		8		/* mappings a VM can have */

/*
 * What the ids are used for. The kernel goes by the name: a segment without one is system memory,
 * with one device memory.
 */
enum {
	VM_SYSMEM,				/* guest RAM */
	VM_BOOTROM,				/* boot ROM and its variables */
	VM_FRAMEBUFFER,				/* graphics memory */
	VM_PCIROM				/* option ROMs of PCI devices */
};

/*
 * VM_ALLOC_MEMSEG: make segment segid, zeroed and populated on demand. A name also makes the node
 * /dev/vmm.io/VM.NAME. Segments go with the VM.
 *	memory. EINVAL: segid; len 0 or not a multiple of 4096; segid is there with another len or
 *	kind. EEXIST: it is there with the same. ENAMETOOLONG: name without its final 0. ENODEV:
 *	the VM is being destroyed. Else the error of making the node. [5.1]
 * VM_GET_MEMSEG: describe segment segid. One that was never made: success, len 0, name as it came.
 *	map. EINVAL: segid. [5.1]
 */
struct vm_memseg {
	int		segid;			/* in: 0 to 3 */
	size_t		len;			/* ALLOC in, GET out: bytes */
	/* ALLOC in, GET out: 1 to 15 bytes and a 0; empty: system memory */
	char		name[VM_MAX_SUFFIXLEN + 1];
};
VMM_ASSERT_SIZE(struct vm_memseg, 32);

/*
 * VM_MMAP_MEMSEG: put a part of a segment into the guest's physical address space.
 *	memory. EINVAL: prot 0 or with other bits; flags other than WIRED; segid; segoff negative,
 *	not aligned, or the part not in the segment; gpa or the end not aligned. ENOSPC: all
 *	mappings used. EFAULT: the range is taken or outside the address space (2^47 bytes), or
 *	wiring failed. ENOMEM: not enough memory to wire (the mapping is not made). [5.2]
 * VM_MMAP_GETNEXT: find the mapping with the lowest start at or above gpa, and fill the rest. To
 * list all: continue at gpa + len.
 *	map. ENOENT: none. [5.2]
 *
 * mmap(2) of /dev/vmm/NAME at offset gpa maps system memory, within one mapping; of
 * /dev/vmm.io/VM.NAME at an offset in the segment, device memory; never with PROT_EXEC [5.3, 5.4].
 * pread(2) and pwrite(2) at offset gpa copy either [5.5].
 */
struct vm_memmap {
	vm_paddr_t	gpa;			/* in; GETNEXT in/out: first byte, 4 KiB aligned */
	int		segid;			/* MMAP in, GETNEXT out, as everything below */
	vm_ooffset_t	segoff;			/* first byte in the segment, 4 KiB aligned */
	size_t		len;			/* bytes, multiple of 4096 */
	int		prot;			/* VM_PROT_* */
	int		flags;			/* VM_MEMMAP_F_* */
#define VM_MEMMAP_F_WIRED	0x01		/* kept in memory; passthrough needs it */
#define VM_MEMMAP_F_IOMMU	0x02		/* out only: devices of the guest reach it */
};
VMM_ASSERT_SIZE(struct vm_memmap, 40);

/*
 * VM_MUNMAP_MEMSEG: take a mapping out. Mappings that programs made with mmap(2) stay.
 *	memory. EINVAL: no mapping has exactly this gpa and len, or devices of the guest reach it.
 *	[5.2]
 */
struct vm_munmap {
	vm_paddr_t	gpa;			/* in: first byte */
	size_t		len;			/* in: bytes */
};
VMM_ASSERT_SIZE(struct vm_munmap, 16);

/* ======== registers [6] =================================================================== */

/*
 * VM_GET_REGISTER, VM_SET_REGISTER: one register. For segments the selector.
 *	one vCPU. EINVAL: regnum; a register this processor lacks or that is not a plain register;
 *	a value it does not take; a set of a negative regnum. [6.1]
 */
struct vm_register {
	int		cpuid;			/* in: vCPU id */
	int		regnum;			/* in: VM_REG_*; get: VMCS_IDENT(), VMCB_ACCESS() */
	uint64_t	regval;			/* set in, get out */
};
VMM_ASSERT_SIZE(struct vm_register, 16);

/*
 * VM_GET_SEGMENT_DESCRIPTOR, VM_SET_SEGMENT_DESCRIPTOR: base, limit and access rights.
 *	one vCPU. EINVAL: regnum. [6.3]
 */
struct vm_seg_desc {
	int		cpuid;			/* in: vCPU id */
	int		regnum;			/* in: ES to GS, LDTR, TR, IDTR or GDTR */
	struct seg_desc	desc;			/* set in, get out */
};
VMM_ASSERT_SIZE(struct vm_seg_desc, 24);

/*
 * VM_GET_REGISTER_SET, VM_SET_REGISTER_SET: many registers, in order, up to the first that fails.
 * A get that fails returns nothing; a set that fails has changed those before.
 *	one vCPU. EINVAL: count; as VM_GET_REGISTER. EFAULT: an array. [6.2]
 */
struct vm_register_set {
	int		cpuid;			/* in: vCPU id */
	unsigned int	count;			/* in: entries in the arrays, 0 to VM_REG_LAST */
	const int VMM_USER	*regnums;	/* in: array of enum vm_reg_name */
	uint64_t VMM_USER	*regvals;	/* in: array of values; set reads, get writes it */
};
VMM_ASSERT_SIZE(struct vm_register_set, 24);

/* ======== running [7, 8, 10] ============================================================== */

/*
 * VM_RUN: run the guest on this vCPU, in the calling thread, until something is left to the
 * program. Any thread may call. A pending signal ends it with exit code BOGUS, never with EINTR.
 * cpuset is written for an IPI exit only.
 *	one vCPU. EINVAL: not active, or suspended already; a debug trap that cannot be handled.
 *	EFAULT: vm_exit or cpuset; guest memory that cannot be provided; an instruction that cannot
 *	be fetched. EIO: a port access that a device in the kernel refused. Any error is fatal for
 *	the VM. [7]
 */
struct vm_run {
	int		cpuid;			/* in: vCPU id */
	cpuset_t VMM_USER	*cpuset;	/* in: gets the targets of an IPI exit */
	size_t		cpusetsize;		/* in: bytes there; those behind 128 are zeroed */
	struct vm_exit VMM_USER	*vm_exit;	/* in: where the exit goes */
};
VMM_ASSERT_SIZE(struct vm_run, 32);

/*
 * VM_RESTART_INSTRUCTION: run the instruction of the last exit again. The argument is an int: the
 * vCPU id.
 *	one vCPU. [9]
 *
 * VM_REINIT: back to a new VM: vCPUs and devices reset, passthrough devices released, no vCPU
 * active, device memory unmapped. Segments, system memory with its contents, the RTC's time and
 * the topology stay. No argument.
 *	memory. EBUSY: some active vCPU is not suspended. [10]
 */

/*
 * VM_SUSPEND: stop all vCPUs for good. Returns at once; each VM_RUN then returns SUSPENDED, after
 * all active vCPUs have come that far.
 *	none. EINVAL: how. EALREADY: it is suspended; the first reason stays. [10]
 */
struct vm_suspend {
	enum vm_suspend_how	how;		/* in: VM_SUSPEND_RESET to _TRIPLEFAULT */
};
VMM_ASSERT_SIZE(struct vm_suspend, 4);

/*
 * VM_ACTIVATE_CPU: the vCPU may run from now on.
 *	one vCPU. EBUSY: it may already. [11]
 * VM_SUSPEND_CPU: put a vCPU in the debug set: its VM_RUN returns DEBUG. -1: all active ones.
 *	look-up, except -1. EINVAL: not active. [11]
 * VM_RESUME_CPU: take it out again. -1: all of them.
 *	look-up, except -1. EINVAL: not in the debug set. [11]
 */
struct vm_activate_cpu {
	int		vcpuid;			/* in: vCPU id; SUSPEND, RESUME: also -1 */
};
VMM_ASSERT_SIZE(struct vm_activate_cpu, 4);

/*
 * VM_GET_CPUS: which vCPUs are active, suspended, or in the debug set.
 *	none. ERANGE: cpusetsize. EINVAL: which. EFAULT: cpus. [11]
 */
struct vm_cpuset {
	int		which;			/* in: one of */
	int		cpusetsize;		/* in: 128 bytes */
	cpuset_t VMM_USER	*cpus;		/* in: where the set goes */
};
VMM_ASSERT_SIZE(struct vm_cpuset, 16);
#define VM_ACTIVE_CPUS		0		/* VM_ACTIVATE_CPU was called */
#define VM_SUSPENDED_CPUS	1		/* has come to a stop after VM_SUSPEND */
#define VM_DEBUG_CPUS		2		/* held by VM_SUSPEND_CPU */

/*
 * VM_GET_CAPABILITY, VM_SET_CAPABILITY: for the vCPU named, whatever allcpus says.
 *	one vCPU. EINVAL: captype; capval. ENOENT: not on this processor, or not to be got or set.
 *	[13]
 */
struct vm_capability {
	int		cpuid;			/* in: vCPU id */
	enum vm_cap_type	captype;	/* in */
	int		capval;			/* set in, get out: 0 or 1 */
	int		allcpus;		/* ignored */
};
VMM_ASSERT_SIZE(struct vm_capability, 16);

/*
 * VM_SET_TOPOLOGY: what CPUID tells the guest. 1, 1, 1 at first.
 *	none. EINVAL: sockets * cores * threads is above the VM's vCPU limit. [27]
 * VM_GET_TOPOLOGY
 *	none. [27]
 */
struct vm_cpu_topology {
	uint16_t	sockets;		/* set in, get out: packages */
	uint16_t	cores;			/* set in, get out: cores a package */
	uint16_t	threads;		/* set in, get out: threads a core */
	uint16_t	maxcpus;		/* get out: the VM's vCPU limit; set: ignored */
};
VMM_ASSERT_SIZE(struct vm_cpu_topology, 8);

/* ======== events [12] ===================================================================== */

/*
 * VM_INJECT_EXCEPTION: deliver an exception before the next instruction. Drops the interrupt
 * shadow.
 *	one vCPU. EINVAL: vector. EBUSY: one is pending. [12]
 */
struct vm_exception {
	int		cpuid;			/* in: vCPU id */
	int		vector;			/* in: 0 to 31, except 8 */
	uint32_t	error_code;		/* in: if error_code_valid */
	int		error_code_valid;	/* in: 0 or 1; taken as 0 in real mode */
	int		restart_instruction;	/* in: 1 for faults: run the instruction again */
};
VMM_ASSERT_SIZE(struct vm_exception, 20);

/*
 * VM_GET_INTINFO, VM_SET_INTINFO: what is delivered at the next entry. Set changes info1 only;
 * without VM_INTINFO_VALID it clears it.
 *	one vCPU. EINVAL: set, info1 with reserved bits, NMI without vector 2, exception with a
 *	vector above 31. [12]
 */
struct vm_intinfo {
	int		vcpuid;			/* in: vCPU id */
	uint64_t	info1;			/* set in, get out: event an exit interrupted */
	uint64_t	info2;			/* get out: pending exception; 0: none */
};
VMM_ASSERT_SIZE(struct vm_intinfo, 24);

/*
 * VM_INJECT_NMI: one NMI; a second before its delivery is lost.
 *	look-up. [12]
 */
struct vm_nmi {
	int		cpuid;			/* in: vCPU id */
};
VMM_ASSERT_SIZE(struct vm_nmi, 4);

/*
 * VM_LAPIC_IRQ: an edge interrupt to one local APIC. Lost if that is disabled.
 *	look-up. EINVAL: vector. [12]
 * VM_LAPIC_LOCAL_IRQ: trigger an entry of the local vector table. Nothing happens if it is masked.
 *	look-up, except -1. EINVAL: vector. [12]
 */
struct vm_lapic_irq {
	int		cpuid;			/* in: vCPU id; LOCAL: -1 for all active vCPUs */
	int		vector;			/* in: 16 to 255; LOCAL: APIC_LVT_* */
};
VMM_ASSERT_SIZE(struct vm_lapic_irq, 8);

/*
 * VM_LAPIC_MSI: a message-signalled interrupt, always edge. Delivery modes other than fixed,
 * lowest priority and ExtINT are dropped.
 *	none. EINVAL: addr. [12]
 */
struct vm_lapic_msi {
	uint64_t	msg;			/* in: data: vector 7-0, delivery mode 10-8 */
	uint64_t	addr;			/* in: 0xfee 31-20, target 19-12, hint 3, mode 2 */
};
VMM_ASSERT_SIZE(struct vm_lapic_msi, 16);

/* ======== devices [15-22] ================================================================= */

/*
 * VM_IOAPIC_ASSERT_IRQ, VM_IOAPIC_DEASSERT_IRQ, VM_IOAPIC_PULSE_IRQ: raise, lower, or raise and
 * lower a pin. Asserts are counted.
 *	none. EINVAL: irq. [17]
 * VM_IOAPIC_PINCOUNT: the number of pins. The argument is an int, out: 32.
 *	none. [17]
 */
struct vm_ioapic_irq {
	int		irq;			/* in: pin, 0 to 31 */
};
VMM_ASSERT_SIZE(struct vm_ioapic_irq, 4);

/*
 * VM_ISA_ASSERT_IRQ, VM_ISA_DEASSERT_IRQ, VM_ISA_PULSE_IRQ: the same for an input of the 8259 pair
 * and a pin of the I/O APIC.
 *	none. EINVAL: atpic_irq, before anything is done; ioapic_irq, after the 8259 was served.
 *	[15]
 */
struct vm_isa_irq {
	int		atpic_irq;		/* in: 0 to 15 */
	int		ioapic_irq;		/* in: pin, 0 to 31; -1: the 8259 alone */
};
VMM_ASSERT_SIZE(struct vm_isa_irq, 8);

/*
 * VM_ISA_SET_IRQ_TRIGGER: edge or level, for an input of the 8259 pair.
 *	none. EINVAL: atpic_irq; level for 0, 1, 2, 8 or 13. [15]
 */
struct vm_isa_irq_trigger {
	int		atpic_irq;		/* in: 0 to 15 */
	enum vm_intr_trigger	trigger;	/* in: anything but LEVEL_TRIGGER is edge */
};
VMM_ASSERT_SIZE(struct vm_isa_irq_trigger, 8);

/*
 * VM_SET_X2APIC_STATE: before the vCPU runs; sets its APIC id, LDR and DFR anew.
 *	one vCPU. EINVAL: state. [16]
 * VM_GET_X2APIC_STATE
 *	look-up. [16]
 */
struct vm_x2apic {
	int		cpuid;			/* in: vCPU id */
	enum x2apic_state	state;		/* set in, get out */
};
VMM_ASSERT_SIZE(struct vm_x2apic, 8);

/*
 * VM_GET_HPET_CAPABILITIES: for the ACPI table.
 *	none. [20]
 */
struct vm_hpet_cap {
	uint32_t	capabilities;		/* out: lower half of its register 0: 0x80860701 */
};
VMM_ASSERT_SIZE(struct vm_hpet_cap, 4);

/*
 * VM_GET_KERNEMU_DEV, VM_SET_KERNEMU_DEV: one read or write of a device in the kernel, as if by
 * that vCPU.
 *	one vCPU. EINVAL: gpa is in none of them: local APIC 0xfee00000 (4 KiB), I/O APIC
 *	0xfec00000 (4 KiB), HPET 0xfed00000 (1 KiB); an access the device refuses. [15]
 */
struct vm_readwrite_kernemu_device {
	int		vcpuid;			/* in: vCPU id */
	unsigned	access_width:3,		/* in: log2 of the bytes, 0 to 3 */
			_unused:29;
	uint64_t	gpa;			/* in */
	uint64_t	value;			/* set in, get out */
};
VMM_ASSERT_SIZE(struct vm_readwrite_kernemu_device, 24);

/*
 * VM_RTC_SETTIME: set the clock.
 *	none. EBUSY: the guest holds updates back (register B, SET) and the time would change. [22]
 * VM_RTC_GETTIME
 *	none. [22]
 */
struct vm_rtc_time {
	vmm_time_t	secs;			/* set in, get out: since 1970 UTC; -1: no date */
};
VMM_ASSERT_SIZE(struct vm_rtc_time, 8);

/*
 * VM_RTC_READ: a byte of the RTC's memory, date bytes being up to date.
 *	none. EINVAL: offset is not in 0 to 127. [22]
 * VM_RTC_WRITE: a byte of its NVRAM.
 *	none. EINVAL: offset is not in 14 to 127, or is 0x32, the century. [22]
 */
struct vm_rtc_data {
	int		offset;			/* in */
	uint8_t		value;			/* write in, read out */
};
VMM_ASSERT_SIZE(struct vm_rtc_data, 8);

/* ======== address translation [14] ======================================================== */

/*
 * VM_GLA2GPA: translate a linear address as the guest would, with accessed and dirty bits set. If
 * the guest would fault, fault is 1 and the #PF or #GP has been injected, with restart.
 * VM_GLA2GPA_NOFAULT: translate without any effect on the guest.
 *	one vCPU. EFAULT: a page table is not in the guest's memory. [14]
 */
struct vm_gla2gpa {
	int		vcpuid;			/* in: vCPU id */
	int		prot;			/* in: VM_PROT_READ, _WRITE or _EXECUTE */
	uint64_t	gla;			/* in: linear address */
	struct vm_guest_paging	paging;		/* in: from an exit, or as wanted */
	int		fault;			/* out: 1: the guest faults, gpa is not valid */
	uint64_t	gpa;			/* out */
};
VMM_ASSERT_SIZE(struct vm_gla2gpa, 56);

/*
 * VM_GET_GPA_PMAP: the entries of the nested page table for gpa, from the root. For debugging; the
 * format is the processor's. Without CAP_SYS_ADMIN their address bits are 0.
 *	none. [14]
 */
struct vm_gpa_pte {
	uint64_t	gpa;			/* in */
	uint64_t	pte[4];			/* out */
	int		ptenum;			/* out: how many are valid, 0 to 4 */
};
VMM_ASSERT_SIZE(struct vm_gpa_pte, 48);

/* ======== statistics [30] ================================================================= */

#define MAX_VM_STATS		64		/* values a request can return */

/*
 * VM_STATS: up to 64 values of a vCPU, from index on.
 *	look-up. EINVAL: index below 0. ENOENT: index above the number of statistics (equal:
 *	success, none returned). [30]
 */
struct vm_stats {
	int		cpuid;			/* in: vCPU id */
	int		index;			/* in: the first one wanted */
	int		num_entries;		/* out: how many are valid */
	struct vmm_timeval	tv;		/* out: time of day; a struct timeval */
	uint64_t	statbuf[MAX_VM_STATS];	/* out */
};
VMM_ASSERT_SIZE(struct vm_stats, 544);

/*
 * VM_STAT_DESC: what a statistic is. Go by this text: the order differs between processors and
 * releases.
 *	none. EINVAL: index. [30]
 */
struct vm_stat_desc {
	int		index;			/* in: from 0 */
	char		desc[128];		/* out: text and a final 0 */
};
VMM_ASSERT_SIZE(struct vm_stat_desc, 132);

/* ======== PCI passthrough [28] ============================================================ */

/*
 * All of them: ENOENT: bus, slot and func name no function reserved for passthrough. EBUSY: it
 * belongs to another VM, or to none where this VM must own it. EPERM: without CAP_SYS_ADMIN,
 * unless root has granted the function.
 *
 * VM_BIND_PPTDEV: reset a function and give it to the VM. All of the guest's memory must be mapped
 * and wired before.
 *	memory. ENXIO: no usable IOMMU. EBUSY: also if it belongs to this VM already. [28]
 * VM_UNBIND_PPTDEV: take it back: interrupts and BARs removed, function reset.
 *	memory. [28]
 * VM_PPTDEV_DISABLE_MSIX: remove all its MSI-X vectors.
 *	none. [28]
 */
struct vm_pptdev {
	int		bus;			/* in: 0 to 255 */
	int		slot;			/* in: 0 to 31 */
	int		func;			/* in: 0 to 7 */
};
VMM_ASSERT_SIZE(struct vm_pptdev, 12);

/*
 * VM_MAP_PPTDEV_MMIO: show a part of a memory BAR to the guest.
 *	all vCPUs. EINVAL: gpa, hpa or len not aligned; len 0; hpa not within one of that
 *	function's own memory BARs. ENOSPC: seven are there. [28]
 * VM_UNMAP_PPTDEV_MMIO: remove it.
 *	all vCPUs. ENOENT: none with exactly this gpa and len. [28]
 */
struct vm_pptdev_mmio {
	int		bus;			/* in: as above */
	int		slot;
	int		func;
	vm_paddr_t	gpa;			/* in: guest address, 4 KiB aligned */
	vm_paddr_t	hpa;			/* in: host address, aligned; UNMAP: ignored */
	size_t		len;			/* in: bytes, multiple of 4096 */
};
VMM_ASSERT_SIZE(struct vm_pptdev_mmio, 40);

/*
 * VM_PPTDEV_MSI: deliver the function's MSI as data msg, msg + 1 ... at addr. Without MSI, its
 * INTx pin as one vector.
 *	none. EINVAL: numvec, or more than the function has. EBUSY: MSI-X is on. ENOSPC: not enough
 *	host vectors. ENXIO: set-up failed. [28]
 */
struct vm_pptdev_msi {
	int		vcpu;			/* ignored */
	int		bus;			/* in: as above */
	int		slot;
	int		func;
	int		numvec;			/* in: vectors, 0 to 32; 0: off */
	uint64_t	msg;			/* in: as vm_lapic_msi */
	uint64_t	addr;			/* in: as vm_lapic_msi */
};
VMM_ASSERT_SIZE(struct vm_pptdev_msi, 40);

/*
 * VM_PPTDEV_MSIX: deliver one MSI-X vector. The first use allocates all of them.
 *	none. EINVAL: idx; the function has no MSI-X. EBUSY: MSI is on. ENOSPC: not enough host
 *	vectors. ENXIO: set-up failed. [28]
 */
struct vm_pptdev_msix {
	int		vcpu;			/* ignored */
	int		bus;			/* in: as above */
	int		slot;
	int		func;
	int		idx;			/* in: entry of the MSI-X table, from 0 */
	uint64_t	msg;			/* in: as vm_lapic_msi */
	uint32_t	vector_control;		/* in: bit 0: masked */
	uint64_t	addr;			/* in: as vm_lapic_msi */
};
VMM_ASSERT_SIZE(struct vm_pptdev_msix, 48);

/* ======== snapshot and restore [31] ======================================================= */

/*
 * VM_SNAPSHOT_REQ: see <machine/vmm_snapshot.h>.
 * VM_RESTORE_TIME: after the last record of a restore: start the clocks. The argument is an int,
 * ignored.
 *	all vCPUs. [31]
 */
struct vm_snapshot_meta;

/* ======== requests ======================================================================== */

/* Numbers. 0, 10 and 11 are reserved: ENOTTY. */
enum {
	IOCNUM_ABIVERS			= 0,
	IOCNUM_RUN			= 1,
	IOCNUM_SET_CAPABILITY		= 2,
	IOCNUM_GET_CAPABILITY		= 3,
	IOCNUM_SUSPEND			= 4,
	IOCNUM_REINIT			= 5,

	/* memory */
	IOCNUM_MAP_MEMORY		= 10,
	IOCNUM_GET_MEMORY_SEG		= 11,
	IOCNUM_GET_GPA_PMAP		= 12,
	IOCNUM_GLA2GPA			= 13,
	IOCNUM_ALLOC_MEMSEG		= 14,
	IOCNUM_GET_MEMSEG		= 15,
	IOCNUM_MMAP_MEMSEG		= 16,
	IOCNUM_MMAP_GETNEXT		= 17,
	IOCNUM_GLA2GPA_NOFAULT		= 18,
	IOCNUM_MUNMAP_MEMSEG		= 19,

	/* registers */
	IOCNUM_SET_REGISTER		= 20,
	IOCNUM_GET_REGISTER		= 21,
	IOCNUM_SET_SEGMENT_DESCRIPTOR	= 22,
	IOCNUM_GET_SEGMENT_DESCRIPTOR	= 23,
	IOCNUM_SET_REGISTER_SET		= 24,
	IOCNUM_GET_REGISTER_SET		= 25,

	/* devices in the kernel, on behalf of an emulator */
	IOCNUM_GET_KERNEMU_DEV		= 26,
	IOCNUM_SET_KERNEMU_DEV		= 27,

	/* events */
	IOCNUM_GET_INTINFO		= 28,
	IOCNUM_SET_INTINFO		= 29,
	IOCNUM_INJECT_EXCEPTION		= 30,
	IOCNUM_LAPIC_IRQ		= 31,
	IOCNUM_INJECT_NMI		= 32,
	IOCNUM_IOAPIC_ASSERT_IRQ	= 33,
	IOCNUM_IOAPIC_DEASSERT_IRQ	= 34,
	IOCNUM_IOAPIC_PULSE_IRQ		= 35,
	IOCNUM_LAPIC_MSI		= 36,
	IOCNUM_LAPIC_LOCAL_IRQ		= 37,
	IOCNUM_IOAPIC_PINCOUNT		= 38,
	IOCNUM_RESTART_INSTRUCTION	= 39,

	/* PCI passthrough */
	IOCNUM_BIND_PPTDEV		= 40,
	IOCNUM_UNBIND_PPTDEV		= 41,
	IOCNUM_MAP_PPTDEV_MMIO		= 42,
	IOCNUM_PPTDEV_MSI		= 43,
	IOCNUM_PPTDEV_MSIX		= 44,
	IOCNUM_PPTDEV_DISABLE_MSIX	= 45,
	IOCNUM_UNMAP_PPTDEV_MMIO	= 46,

	/* statistics */
	IOCNUM_VM_STATS			= 50,
	IOCNUM_VM_STAT_DESC		= 51,

	/* processor and platform */
	IOCNUM_SET_X2APIC_STATE		= 60,
	IOCNUM_GET_X2APIC_STATE		= 61,
	IOCNUM_GET_HPET_CAPABILITIES	= 62,
	IOCNUM_SET_TOPOLOGY		= 63,
	IOCNUM_GET_TOPOLOGY		= 64,

	/* ISA interrupts */
	IOCNUM_ISA_ASSERT_IRQ		= 80,
	IOCNUM_ISA_DEASSERT_IRQ		= 81,
	IOCNUM_ISA_PULSE_IRQ		= 82,
	IOCNUM_ISA_SET_IRQ_TRIGGER	= 83,

	/* sets of vCPUs */
	IOCNUM_ACTIVATE_CPU		= 90,
	IOCNUM_GET_CPUS			= 91,
	IOCNUM_SUSPEND_CPU		= 92,
	IOCNUM_RESUME_CPU		= 93,

	/* RTC */
	IOCNUM_RTC_READ			= 100,
	IOCNUM_RTC_WRITE		= 101,
	IOCNUM_RTC_SETTIME		= 102,
	IOCNUM_RTC_GETTIME		= 103,

	/* snapshot and restore */
	IOCNUM_SNAPSHOT_REQ		= 113,
	IOCNUM_RESTORE_TIME		= 115
};

/* VM_RUN and VM_GET_CPUS are _IOW because they answer through pointers in their argument. */
#define VM_RUN			_IOW('v', IOCNUM_RUN, struct vm_run)
#define VM_SUSPEND		_IOW('v', IOCNUM_SUSPEND, struct vm_suspend)
#define VM_REINIT		_IO('v', IOCNUM_REINIT)
#define VM_ALLOC_MEMSEG		_IOW('v', IOCNUM_ALLOC_MEMSEG, struct vm_memseg)
#define VM_GET_MEMSEG		_IOWR('v', IOCNUM_GET_MEMSEG, struct vm_memseg)
#define VM_MMAP_MEMSEG		_IOW('v', IOCNUM_MMAP_MEMSEG, struct vm_memmap)
#define VM_MMAP_GETNEXT		_IOWR('v', IOCNUM_MMAP_GETNEXT, struct vm_memmap)
#define VM_MUNMAP_MEMSEG	_IOW('v', IOCNUM_MUNMAP_MEMSEG, struct vm_munmap)
#define VM_SET_REGISTER		_IOW('v', IOCNUM_SET_REGISTER, struct vm_register)
#define VM_GET_REGISTER		_IOWR('v', IOCNUM_GET_REGISTER, struct vm_register)
#define VM_SET_SEGMENT_DESCRIPTOR	\
	_IOW('v', IOCNUM_SET_SEGMENT_DESCRIPTOR, struct vm_seg_desc)
#define VM_GET_SEGMENT_DESCRIPTOR	\
	_IOWR('v', IOCNUM_GET_SEGMENT_DESCRIPTOR, struct vm_seg_desc)
#define VM_SET_REGISTER_SET	_IOW('v', IOCNUM_SET_REGISTER_SET, struct vm_register_set)
#define VM_GET_REGISTER_SET	_IOWR('v', IOCNUM_GET_REGISTER_SET, struct vm_register_set)
#define VM_INJECT_EXCEPTION	_IOW('v', IOCNUM_INJECT_EXCEPTION, struct vm_exception)
#define VM_LAPIC_IRQ		_IOW('v', IOCNUM_LAPIC_IRQ, struct vm_lapic_irq)
#define VM_LAPIC_LOCAL_IRQ	_IOW('v', IOCNUM_LAPIC_LOCAL_IRQ, struct vm_lapic_irq)
#define VM_LAPIC_MSI		_IOW('v', IOCNUM_LAPIC_MSI, struct vm_lapic_msi)
#define VM_IOAPIC_ASSERT_IRQ	_IOW('v', IOCNUM_IOAPIC_ASSERT_IRQ, struct vm_ioapic_irq)
#define VM_IOAPIC_DEASSERT_IRQ	_IOW('v', IOCNUM_IOAPIC_DEASSERT_IRQ, struct vm_ioapic_irq)
#define VM_IOAPIC_PULSE_IRQ	_IOW('v', IOCNUM_IOAPIC_PULSE_IRQ, struct vm_ioapic_irq)
#define VM_IOAPIC_PINCOUNT	_IOR('v', IOCNUM_IOAPIC_PINCOUNT, int)
#define VM_ISA_ASSERT_IRQ	_IOW('v', IOCNUM_ISA_ASSERT_IRQ, struct vm_isa_irq)
#define VM_ISA_DEASSERT_IRQ	_IOW('v', IOCNUM_ISA_DEASSERT_IRQ, struct vm_isa_irq)
#define VM_ISA_PULSE_IRQ	_IOW('v', IOCNUM_ISA_PULSE_IRQ, struct vm_isa_irq)
#define VM_ISA_SET_IRQ_TRIGGER	_IOW('v', IOCNUM_ISA_SET_IRQ_TRIGGER, struct vm_isa_irq_trigger)
#define VM_SET_CAPABILITY	_IOW('v', IOCNUM_SET_CAPABILITY, struct vm_capability)
#define VM_GET_CAPABILITY	_IOWR('v', IOCNUM_GET_CAPABILITY, struct vm_capability)
#define VM_BIND_PPTDEV		_IOW('v', IOCNUM_BIND_PPTDEV, struct vm_pptdev)
#define VM_UNBIND_PPTDEV	_IOW('v', IOCNUM_UNBIND_PPTDEV, struct vm_pptdev)
#define VM_MAP_PPTDEV_MMIO	_IOW('v', IOCNUM_MAP_PPTDEV_MMIO, struct vm_pptdev_mmio)
#define VM_PPTDEV_MSI		_IOW('v', IOCNUM_PPTDEV_MSI, struct vm_pptdev_msi)
#define VM_PPTDEV_MSIX		_IOW('v', IOCNUM_PPTDEV_MSIX, struct vm_pptdev_msix)
#define VM_PPTDEV_DISABLE_MSIX	_IOW('v', IOCNUM_PPTDEV_DISABLE_MSIX, struct vm_pptdev)
#define VM_UNMAP_PPTDEV_MMIO	_IOW('v', IOCNUM_UNMAP_PPTDEV_MMIO, struct vm_pptdev_mmio)
#define VM_INJECT_NMI		_IOW('v', IOCNUM_INJECT_NMI, struct vm_nmi)
#define VM_STATS		_IOWR('v', IOCNUM_VM_STATS, struct vm_stats)
#define VM_STAT_DESC		_IOWR('v', IOCNUM_VM_STAT_DESC, struct vm_stat_desc)
#define VM_SET_X2APIC_STATE	_IOW('v', IOCNUM_SET_X2APIC_STATE, struct vm_x2apic)
#define VM_GET_X2APIC_STATE	_IOWR('v', IOCNUM_GET_X2APIC_STATE, struct vm_x2apic)
#define VM_GET_HPET_CAPABILITIES	_IOR('v', IOCNUM_GET_HPET_CAPABILITIES, struct vm_hpet_cap)
#define VM_SET_TOPOLOGY		_IOW('v', IOCNUM_SET_TOPOLOGY, struct vm_cpu_topology)
#define VM_GET_TOPOLOGY		_IOR('v', IOCNUM_GET_TOPOLOGY, struct vm_cpu_topology)
#define VM_GET_GPA_PMAP		_IOWR('v', IOCNUM_GET_GPA_PMAP, struct vm_gpa_pte)
#define VM_GLA2GPA		_IOWR('v', IOCNUM_GLA2GPA, struct vm_gla2gpa)
#define VM_GLA2GPA_NOFAULT	_IOWR('v', IOCNUM_GLA2GPA_NOFAULT, struct vm_gla2gpa)
#define VM_ACTIVATE_CPU		_IOW('v', IOCNUM_ACTIVATE_CPU, struct vm_activate_cpu)
#define VM_GET_CPUS		_IOW('v', IOCNUM_GET_CPUS, struct vm_cpuset)
#define VM_SUSPEND_CPU		_IOW('v', IOCNUM_SUSPEND_CPU, struct vm_activate_cpu)
#define VM_RESUME_CPU		_IOW('v', IOCNUM_RESUME_CPU, struct vm_activate_cpu)
#define VM_SET_INTINFO		_IOW('v', IOCNUM_SET_INTINFO, struct vm_intinfo)
#define VM_GET_INTINFO		_IOWR('v', IOCNUM_GET_INTINFO, struct vm_intinfo)
#define VM_RTC_WRITE		_IOW('v', IOCNUM_RTC_WRITE, struct vm_rtc_data)
#define VM_RTC_READ		_IOWR('v', IOCNUM_RTC_READ, struct vm_rtc_data)
#define VM_RTC_SETTIME		_IOW('v', IOCNUM_RTC_SETTIME, struct vm_rtc_time)
#define VM_RTC_GETTIME		_IOR('v', IOCNUM_RTC_GETTIME, struct vm_rtc_time)
#define VM_RESTART_INSTRUCTION	_IOW('v', IOCNUM_RESTART_INSTRUCTION, int)
#define VM_GET_KERNEMU_DEV	\
	_IOWR('v', IOCNUM_GET_KERNEMU_DEV, struct vm_readwrite_kernemu_device)
#define VM_SET_KERNEMU_DEV	\
	_IOW('v', IOCNUM_SET_KERNEMU_DEV, struct vm_readwrite_kernemu_device)
/* To use this one, include <machine/vmm_snapshot.h> as well. */
#define VM_SNAPSHOT_REQ		_IOWR('v', IOCNUM_SNAPSHOT_REQ, struct vm_snapshot_meta)
#define VM_RESTORE_TIME		_IOWR('v', IOCNUM_RESTORE_TIME, int)

#endif /* _MACHINE_VMM_DEV_H_ */
