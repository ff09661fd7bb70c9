/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * vmm(4): what Linux adds to FreeBSD's API, and what lies beneath it. Includes all of it.
 */
#ifndef _VMM_LINUX_H_
#define _VMM_LINUX_H_

#include <linux/ioctl.h>
#include <linux/types.h>
#include "machine/vmm.h"
#include "machine/vmm_dev.h"
#include "machine/vmm_snapshot.h"
#include "machine/vmm_compat.h"

/*
 * Nodes
 */
#define VMM_CTL_PATH		"/dev/vmmctl"	/* VMMCTL_VM_CREATE, VMMCTL_VM_DESTROY */
#define VMM_DEV_PREFIX		"/dev/vmm/"	/* + VM: requests, mmap, pread, pwrite */
#define VMM_IO_PREFIX		"/dev/vmm.io/"	/* + VM.SEGMENT: mmap of device memory */

/*
 * Requests of our own, on /dev/vmm/NAME. They have their own group, so that no FreeBSD release can
 * take their numbers, and keep to these rules:
 *
 *   - Its argument starts with "__u32 size", the size of the struct as the program knows it, and
 *     the kernel copies that many bytes in and out. Fields are only ever added, at the end.
 *   - A shorter struct is taken as if the missing fields were 0. A longer one is taken if what the
 *     kernel does not know is 0, else E2BIG. Too short for the first fields: EINVAL.
 *   - Flag bits, padding and reserved fields that the kernel does not know must be 0, else
 *     EOPNOTSUPP.
 *   - The word is made with _IO(VMM_LINUX_GROUP, number), so that it stays when the struct grows.
 *   - No pointers and no types whose size depends on the compiler: __u64 and __u32. Addresses of
 *     the program's memory are __u64.
 *
 * All of them: EFAULT for memory that is not the program's, ENXIO once the VM is destroyed, EIO
 * once it is dead, EINTR by a fatal signal where one waits, and nothing changed by what fails.
 */
#define VMM_LINUX_GROUP		0xD6

#define VML_INFO		_IO(VMM_LINUX_GROUP, 0)	/* struct vml_info */
#define VML_PAUSE		_IO(VMM_LINUX_GROUP, 1)	/* struct vml_pause */
#define VML_RESUME		_IO(VMM_LINUX_GROUP, 2)	/* struct vml_pause */
#define VML_SET_CPUID		_IO(VMM_LINUX_GROUP, 3)	/* struct vml_cpuid_policy */
#define VML_GET_CPUID		_IO(VMM_LINUX_GROUP, 4)	/* struct vml_cpuid */
#define VML_SET_FEATURES	_IO(VMM_LINUX_GROUP, 5)	/* struct vml_features */
#define VML_IRQFD		_IO(VMM_LINUX_GROUP, 6)	/* struct vml_irqfd */
#define VML_IOEVENTFD		_IO(VMM_LINUX_GROUP, 7)	/* struct vml_ioeventfd */
#define VML_DIRTY_LOG		_IO(VMM_LINUX_GROUP, 8)	/* struct vml_dirty_log */
#define VML_RUN			_IO(VMM_LINUX_GROUP, 9)	/* struct vml_run */

/*
 * VML_INFO: what this VM and this module are. Never waits for a vCPU.
 */
struct vml_info {
	__u32 size;
	__u32 flags;		/* in: 0. out: VML_INFO_* */
	__u64 requests;		/* out: bit N: request number N of this group is there */
	__u64 features;		/* out: VML_FEATURE_* that VML_SET_FEATURES takes on this host */
	__u64 features_on;	/* out: those that are on */
	__u64 touched_bytes;	/* out: guest memory that is there, page tables not counted */
	__u64 time_ns;		/* out: guest time since creation; stands while paused */
	__u32 tsc_khz;		/* out: frequency of the guest's TSC */
	__u32 cpus_max;		/* out: vCPU ids are below */
};

#define VML_INFO_PAUSED		0x1	/* VML_PAUSE, and no VML_RESUME since */

/*
 * VML_PAUSE: no vCPU is in the guest when it returns, and guest time stands: TSCs, timers, the
 * clock of day. VM_RUN does not return because of it: its threads sleep until VML_RESUME, but for
 * what else makes VM_RUN return (signals, VM_SUSPEND, ioctls that want the vCPU). All other
 * requests work. Interrupts that arrive meanwhile are delivered afterwards. EALREADY: is paused.
 *
 * VML_RESUME: guest time goes on from where it stood. EALREADY: is not paused.
 */
struct vml_pause {
	__u32 size;
	__u32 flags;		/* 0 */
};

/*
 * VML_SET_CPUID: changes to what CPUID answers by default, for all vCPUs, in place of those of an
 * earlier call; count 0: none. Every rule whose leaf matches takes effect, in order, after the
 * default and before what follows from a vCPU's state (OSXSAVE, APIC ids).
 *
 * Bits that a rule sets are shown whether or not the host has what they stand for: the guest will
 * find out. A rule for a leaf beyond the highest one raises the highest of that range; ranges are the
 * basic leaves, from 0x40000000 on every 256, and those from 0x80000000.
 * E2BIG: count is over VML_CPUID_RULES_MAX. EBUSY: a vCPU has run already.
 */
struct vml_cpuid_rule {
	__u32 leaf;		/* EAX */
	__u32 subleaf;		/* ECX, with VML_CPUID_SUBLEAF */
	__u32 flags;
	__u32 reserved;
	__u32 keep[4];		/* EAX, EBX, ECX, EDX: bits of the default that stay, */
	__u32 set[4];		/* and bits that are set then */
};

#define VML_CPUID_SUBLEAF	0x1	/* only this subleaf; otherwise all */
#define VML_CPUID_RULES_MAX	256

struct vml_cpuid_policy {
	__u32 size;
	__u32 flags;		/* 0 */
	__u64 rules;		/* address of an array of struct vml_cpuid_rule */
	__u32 count;
	__u32 reserved;
};

/*
 * VML_GET_CPUID: what the guest would read now on a vCPU. EINVAL: no such vCPU.
 */
struct vml_cpuid {
	__u32 size;
	__u32 vcpuid;
	__u32 leaf, subleaf;
	__u32 eax, ebx, ecx, edx;	/* out */
};

/*
 * VML_SET_FEATURES: what FreeBSD's vmm does not have and guests can see, off in a new VM.
 * EOPNOTSUPP: not on this host, see vml_info.features. EBUSY: a vCPU has run already.
 */
struct vml_features {
	__u32 size;
	__u32 flags;		/* 0 */
	__u64 features;		/* VML_FEATURE_*, all that shall be on */
};

/*
 * The clock that Linux guests know from KVM: CPUID leaves 0x40000100 ("KVMKVMKVM") and 0x40000101, MSRs
 * 0x4b564d00 and 0x4b564d01. A Linux guest takes the TSC's frequency from it and calibrates nothing.
 * Needs a host TSC that is constant and the same on all CPUs, or that the host keeps its own time by.
 * Guest time runs by the TSC in it: it is not slewed as the host's clock may be.
 */
#define VML_FEATURE_PVCLOCK	0x1
/*
 * CPUID shows what the host has and a guest can use beyond FreeBSD's list. Leaf 7: the rest of AVX-512,
 * AVX-VNNI and its kin, ADX, CLFLUSHOPT, CLWB, GFNI, SHA512, SM3, SM4, UMIP, PKU, FSRM, FZLRM, FSRS, FSRCS,
 * MOVDIRI, MOVDIR64B, CLDEMOTE, SERIALIZE, CMPCCXADD, TSXLDTRK, PREFETCHWT1, PREFETCHI, and what it
 * says of the x87 unit. Leaf 0xD: XSAVEC, XGETBV with ECX 1. Leaf 0x80000021: FSRS, FSRCS, PREFETCHI.
 */
#define VML_FEATURE_WIDE_CPUID	0x2

/*
 * VML_IRQFD: a write to an eventfd becomes an interrupt, without a way through VM_RUN. By default an
 * edge on an I/O APIC pin; with VML_IRQFD_MSI a message; with VML_IRQFD_RESAMPLE a level that is
 * asserted until the guest's EOI, which also signals resample_fd. VML_IRQFD_DEASSIGN takes back what
 * has the same fd, and gsi or message. An eventfd that is closed is taken back by itself.
 * What was written before it was assigned counts.
 * EBADF, EINVAL: no eventfd. EINVAL: no such pin, MSI with resample, resample_fd is the same eventfd,
 * message not for a local APIC. EBUSY: an irqfd of this VM already. ENOENT: nothing to take back.
 * ENOSPC: over VML_EVENTFDS_MAX.
 */
struct vml_irqfd {
	__u32 size;
	__u32 flags;		/* VML_IRQFD_* */
	__s32 fd;
	__u32 gsi;		/* I/O APIC pin, 0 to 31 */
	__u64 msi_addr;		/* as VM_LAPIC_MSI */
	__u64 msi_msg;
	__s32 resample_fd;
	__u32 reserved;
};

#define VML_IRQFD_DEASSIGN	0x1
#define VML_IRQFD_MSI		0x2
#define VML_IRQFD_RESAMPLE	0x4

/*
 * VML_IOEVENTFD: a guest's write signals an eventfd instead of leaving VM_RUN; its value is dropped.
 * One that several match signals all of them. OUTS and INS leave VM_RUN as ever.
 * EBADF, EINVAL: no eventfd. EINVAL: length not 0, 1, 2, 4 or 8; 8 on a port; range beyond the ports
 * or wraps; datamatch without a length or wider than it. EEXIST: same address, length and value as
 * another, or an address of a chip in the kernel. ENOENT: nothing to take back. ENOSPC: as above.
 */
struct vml_ioeventfd {
	__u32 size;
	__u32 flags;		/* VML_IOEVENTFD_* */
	__u64 addr;		/* guest physical address or port */
	__u32 len;		/* bytes of the write; 0: any length */
	__s32 fd;
	__u64 datamatch;
};

#define VML_IOEVENTFD_DEASSIGN	0x1
#define VML_IOEVENTFD_PIO	0x2	/* addr is a port */
#define VML_IOEVENTFD_DATAMATCH	0x4	/* only writes of this value */

#define VML_EVENTFDS_MAX	1024	/* of a VM, of both kinds together */

/*
 * VML_DIRTY_LOG: which pages has the guest written since the last call with VML_DIRTY_CLEAR? A bit a
 * page of 4 KiB, lowest first, in bytes; pages of a 2 MiB mapping are dirty together. Writes by
 * programs through mmap or pwrite are not counted, those by chips in the kernel and the emulator are.
 * With VML_DIRTY_CLEAR, no write is lost: one that comes after is in the next call's answer. Larger
 * mappings are cleared by a call with all of their pages in the range; pages that are unmapped are
 * forgotten, and what passed-through devices write is not counted. On a host without dirty bits, pages
 * that the guest may write count before the first clearing. Threads in VM_RUN come out with REQIDLE.
 * EINVAL: gpa or len not a multiple of 4096, len 0, or the range wraps.
 */
struct vml_dirty_log {
	__u32 size;
	__u32 flags;		/* VML_DIRTY_* */
	__u64 gpa;
	__u64 len;		/* bytes of guest memory; at most 1 TiB a call */
	__u64 bitmap;		/* address of (len / 4096 + 7) / 8 bytes */
	__u64 dirty_pages;	/* out: bits that are set */
};

#define VML_DIRTY_CLEAR		0x1

/*
 * VML_RUN: VM_SET_REGISTER and VM_RUN as one request, which is what a program makes over and over that
 * answers the guest's IN and its reads of device registers. Errors are those of both; where VM_RUN
 * fails, the register has been written.
 */
struct vml_run {
	__u32 size;
	__u32 vcpuid;
	__u32 flags;		/* VML_RUN_* */
	__u32 regnum;		/* with VML_RUN_SET_REGISTER, which register ... */
	__u64 regval;		/* ... and what is written there before the guest goes on */
	__u64 vm_exit;		/* address of a struct vm_exit, as in struct vm_run */
	__u64 cpuset;		/* these two as well */
	__u64 cpusetsize;
};

#define VML_RUN_SET_REGISTER	0x1

/*
 * PCI passthrough, on /dev/vmm/NAME: as VM_BIND_PPTDEV and its like, with a PCI domain, and what a
 * monitor needs that may neither open /dev/mem nor write config space by itself. What is said
 * of errors and locks in <machine/vmm_dev.h> holds here too. Regions and interrupts are numbered as in
 * <linux/vfio.h>.
 */
struct vml_ppt {
	__u32		size;			/* in: sizeof(struct vml_ppt) */
	__u32		flags;			/* 0 */
	__u32		domain, bus, slot, func; /* in: which function */
};
VMM_ASSERT_SIZE(struct vml_ppt, 24);

#define VML_PPT_REGION_BAR0	0		/* to 5 */
#define VML_PPT_REGION_CONFIG	7
#define VML_PPT_REGIONS		8

#define VML_PPT_REGION_READ	(1 << 0)
#define VML_PPT_REGION_WRITE	(1 << 1)
#define VML_PPT_REGION_IO	(1 << 8)	/* ports, not memory */
#define VML_PPT_REGION_64	(1 << 9)	/* of a 64-bit BAR, which takes two */
#define VML_PPT_REGION_PREFETCH	(1 << 10)

#define VML_PPT_IRQ_INTX	0
#define VML_PPT_IRQ_MSI		1
#define VML_PPT_IRQ_MSIX	2

/* A BAR, the expansion ROM, configuration space. */
struct vml_ppt_region {
	__u64		len;			/* bytes; 0: none */
	__u64		hpa;			/* of a memory BAR, for VML_PPT_MAP */
	__u32		flags;			/* VML_PPT_REGION_READ and so on */
	__u32		reserved;
};

/* VML_PPT_INFO: what the VM's function has. */
struct vml_ppt_info {
	__u32		size;			/* in */
	__u32		flags;
	__u32		domain, bus, slot, func; /* in */
	__u32		irqs[3];		/* out: vectors of each kind */
	__s32		msix_bar;		/* out: BAR that has the MSI-X table, or -1 */
	__u64		msix_offset;		/* out: of the table in it */
	struct vml_ppt_region regions[VML_PPT_REGIONS]; /* out */
};
VMM_ASSERT_SIZE(struct vml_ppt_info, 240);

/* VML_PPT_MAP, VML_PPT_UNMAP: as VM_MAP_PPTDEV_MMIO, VM_UNMAP_PPTDEV_MMIO. */
struct vml_ppt_mmio {
	__u32		size;			/* in */
	__u32		flags;
	__u32		domain, bus, slot, func; /* in */
	__u64		gpa, hpa, len;		/* in */
};
VMM_ASSERT_SIZE(struct vml_ppt_mmio, 48);

/*
 * VML_PPT_IRQ: how a function's interrupts reach the guest.
 *	INTx: pin is the I/O APIC's, level-triggered; count 1: on, 0: off.
 *	MSI: count vectors, 0 to 32, as VM_PPTDEV_MSI.
 *	MSI-X: count 1: vector start as VM_PPTDEV_MSIX; 0: all off.
 */
struct vml_ppt_irq {
	__u32		size;			/* in */
	__u32		flags;			/* in: VML_PPT_IRQ_MASKED */
	__u32		domain, bus, slot, func; /* in */
	__u32		index;			/* in: VML_PPT_IRQ_INTX and so on */
	__u32		start, count;		/* in */
	__u32		pin;			/* in: INTx only */
	__u64		addr, data;		/* in: MSI and MSI-X */
};
VMM_ASSERT_SIZE(struct vml_ppt_irq, 56);

#define VML_PPT_IRQ_MASKED	(1 << 0)	/* of an MSI-X vector */

/*
 * VML_PPT_ACCESS: read or write config space or a BAR, 1, 2, 4 or, in memory, 8 bytes at a multiple of
 * that. Of config space all can be read; written are bus mastering, status and the like, the rest
 * of what is written is dropped.
 *	EINVAL: outside, or no such region. EPERM: on the MSI-X table.
 */
struct vml_ppt_access {
	__u32		size;			/* in */
	__u32		flags;			/* in: VML_PPT_ACCESS_WRITE */
	__u32		domain, bus, slot, func; /* in */
	__u32		region;			/* in: VML_PPT_REGION_BAR0 and so on */
	__u32		width;			/* in: bytes */
	__u64		offset;			/* in */
	__u64		value;			/* in or out */
};
VMM_ASSERT_SIZE(struct vml_ppt_access, 48);

#define VML_PPT_ACCESS_WRITE	(1 << 0)

/* VML_PPT_EVENT: fd, an eventfd, is signalled when the host takes the function away. -1: none. */
struct vml_ppt_event {
	__u32		size;			/* in */
	__u32		flags;
	__u32		domain, bus, slot, func; /* in */
	__s32		fd;			/* in */
	__u32		reserved;
};
VMM_ASSERT_SIZE(struct vml_ppt_event, 32);

/* VML_PPT_RESET: by the first of the function's reset methods. EOPNOTSUPP: it has none. EAGAIN. */
#define VML_PPT_BIND		_IO(VMM_LINUX_GROUP, 47)	/* struct vml_ppt */
#define VML_PPT_UNBIND		_IO(VMM_LINUX_GROUP, 48)	/* struct vml_ppt */
#define VML_PPT_INFO		_IO(VMM_LINUX_GROUP, 49)	/* struct vml_ppt_info */
#define VML_PPT_MAP		_IO(VMM_LINUX_GROUP, 52)	/* struct vml_ppt_mmio */
#define VML_PPT_UNMAP		_IO(VMM_LINUX_GROUP, 53)	/* struct vml_ppt_mmio */
#define VML_PPT_IRQ		_IO(VMM_LINUX_GROUP, 54)	/* struct vml_ppt_irq */
#define VML_PPT_ACCESS		_IO(VMM_LINUX_GROUP, 55)	/* struct vml_ppt_access */
#define VML_PPT_RESET		_IO(VMM_LINUX_GROUP, 56)	/* struct vml_ppt */
#define VML_PPT_EVENT		_IO(VMM_LINUX_GROUP, 57)	/* struct vml_ppt_event */

/*
 * FreeBSD's request words: direction in bits 31 to 29, bytes of the argument in 28 to 16, group in
 * 15 to 8, number in 7 to 0. They differ from Linux's words for the same requests where there is
 * no argument or one direction; for both directions they are the same, and the two families never
 * give one word to two requests (semantics.md sections 3.1 and 35). For programs that carry them
 * compiled in; native ones use VM_* and VMMCTL_*.
 */
#define VMM_FBSD_IOCPARM_MASK	0x1fffU		/* of the argument's size */
#define VMM_FBSD_IOC_VOID	0x20000000U	/* no argument */
#define VMM_FBSD_IOC_OUT	0x40000000U	/* copied to the program */
#define VMM_FBSD_IOC_IN		0x80000000U	/* copied from the program */
#define VMM_FBSD_IOC_INOUT	0xc0000000U	/* both */

#define VMM_FBSD_IOC_SIZE(word)		(((word) >> 16) & VMM_FBSD_IOCPARM_MASK)
#define VMM_FBSD_IOC_GROUP(word)	(((word) >> 8) & 0xffU)
#define VMM_FBSD_IOC_NR(word)		((word) & 0xffU)

#define VMM_FBSD_VM_RUN			0x80207601U
#define VMM_FBSD_VM_RUN_13		0xc0907601U
#define VMM_FBSD_VM_SET_CAPABILITY	0x80107602U
#define VMM_FBSD_VM_GET_CAPABILITY	0xc0107603U
#define VMM_FBSD_VM_SUSPEND		0x80047604U
#define VMM_FBSD_VM_REINIT		0x20007605U
#define VMM_FBSD_VM_GET_GPA_PMAP	0xc030760cU
#define VMM_FBSD_VM_GLA2GPA		0xc038760dU
#define VMM_FBSD_VM_ALLOC_MEMSEG	0x8020760eU
#define VMM_FBSD_VM_ALLOC_MEMSEG_15	0x8038760eU
#define VMM_FBSD_VM_ALLOC_MEMSEG_14	0x8020760eU
#define VMM_FBSD_VM_ALLOC_MEMSEG_FBSD12	0x8050760eU
#define VMM_FBSD_VM_GET_MEMSEG		0xc020760fU
#define VMM_FBSD_VM_GET_MEMSEG_15	0xc038760fU
#define VMM_FBSD_VM_GET_MEMSEG_14	0xc020760fU
#define VMM_FBSD_VM_GET_MEMSEG_FBSD12	0xc050760fU
#define VMM_FBSD_VM_MMAP_MEMSEG		0x80287610U
#define VMM_FBSD_VM_MMAP_GETNEXT	0xc0287611U
#define VMM_FBSD_VM_GLA2GPA_NOFAULT	0xc0387612U
#define VMM_FBSD_VM_MUNMAP_MEMSEG	0x80107613U
#define VMM_FBSD_VM_SET_REGISTER	0x80107614U
#define VMM_FBSD_VM_GET_REGISTER	0xc0107615U
#define VMM_FBSD_VM_SET_SEGMENT_DESCRIPTOR	0x80187616U
#define VMM_FBSD_VM_GET_SEGMENT_DESCRIPTOR	0xc0187617U
#define VMM_FBSD_VM_SET_REGISTER_SET	0x80187618U
#define VMM_FBSD_VM_GET_REGISTER_SET	0xc0187619U
#define VMM_FBSD_VM_GET_KERNEMU_DEV	0xc018761aU
#define VMM_FBSD_VM_SET_KERNEMU_DEV	0x8018761bU
#define VMM_FBSD_VM_GET_INTINFO		0xc018761cU
#define VMM_FBSD_VM_SET_INTINFO		0x8018761dU
#define VMM_FBSD_VM_INJECT_EXCEPTION	0x8014761eU
#define VMM_FBSD_VM_LAPIC_IRQ		0x8008761fU
#define VMM_FBSD_VM_INJECT_NMI		0x80047620U
#define VMM_FBSD_VM_IOAPIC_ASSERT_IRQ	0x80047621U
#define VMM_FBSD_VM_IOAPIC_DEASSERT_IRQ	0x80047622U
#define VMM_FBSD_VM_IOAPIC_PULSE_IRQ	0x80047623U
#define VMM_FBSD_VM_LAPIC_MSI		0x80107624U
#define VMM_FBSD_VM_LAPIC_LOCAL_IRQ	0x80087625U
#define VMM_FBSD_VM_IOAPIC_PINCOUNT	0x40047626U
#define VMM_FBSD_VM_RESTART_INSTRUCTION	0x80047627U
#define VMM_FBSD_VM_BIND_PPTDEV		0x800c7628U
#define VMM_FBSD_VM_UNBIND_PPTDEV	0x800c7629U
#define VMM_FBSD_VM_MAP_PPTDEV_MMIO	0x8028762aU
#define VMM_FBSD_VM_PPTDEV_MSI		0x8028762bU
#define VMM_FBSD_VM_PPTDEV_MSIX		0x8030762cU
#define VMM_FBSD_VM_PPTDEV_DISABLE_MSIX	0x800c762dU
#define VMM_FBSD_VM_UNMAP_PPTDEV_MMIO	0x8028762eU
#define VMM_FBSD_VM_STATS		0xc2207632U
#define VMM_FBSD_VM_STATS_OLD		0xc2187632U
#define VMM_FBSD_VM_STAT_DESC		0xc0847633U
#define VMM_FBSD_VM_SET_X2APIC_STATE	0x8008763cU
#define VMM_FBSD_VM_GET_X2APIC_STATE	0xc008763dU
#define VMM_FBSD_VM_GET_HPET_CAPABILITIES	0x4004763eU
#define VMM_FBSD_VM_SET_TOPOLOGY	0x8008763fU
#define VMM_FBSD_VM_GET_TOPOLOGY	0x40087640U
#define VMM_FBSD_VM_ISA_ASSERT_IRQ	0x80087650U
#define VMM_FBSD_VM_ISA_DEASSERT_IRQ	0x80087651U
#define VMM_FBSD_VM_ISA_PULSE_IRQ	0x80087652U
#define VMM_FBSD_VM_ISA_SET_IRQ_TRIGGER	0x80087653U
#define VMM_FBSD_VM_ACTIVATE_CPU	0x8004765aU
#define VMM_FBSD_VM_GET_CPUS		0x8010765bU
#define VMM_FBSD_VM_SUSPEND_CPU		0x8004765cU
#define VMM_FBSD_VM_RESUME_CPU		0x8004765dU
#define VMM_FBSD_VM_RTC_READ		0xc0087664U
#define VMM_FBSD_VM_RTC_WRITE		0x80087665U
#define VMM_FBSD_VM_RTC_SETTIME		0x80087666U
#define VMM_FBSD_VM_RTC_GETTIME		0x40087667U
#define VMM_FBSD_VM_SNAPSHOT_REQ	0xc0407671U
#define VMM_FBSD_VM_SNAPSHOT_REQ_OLD	0xc0487671U
#define VMM_FBSD_VM_RESTORE_TIME	0xc0047673U
#define VMM_FBSD_VMMCTL_VM_CREATE	0xc1285600U
#define VMM_FBSD_VMMCTL_VM_DESTROY	0xc1285601U

#endif /* _VMM_LINUX_H_ */
