/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * vmm(4): what Linux adds to FreeBSD's API, and what lies beneath it. Includes all of it.
 */
#ifndef _VMM_LINUX_H_
#define _VMM_LINUX_H_

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
 * Requests of our own have this group, so that no FreeBSD release can take their numbers. There is
 * none yet: ENOTTY. One that comes keeps to these rules:
 *
 *   - Its argument starts with "__u32 size", the size of the struct as the program knows it, and
 *     the kernel copies that many bytes in and out. Fields are only ever added, at the end.
 *   - A shorter struct is taken as if the missing fields were 0. A longer one is taken if what the
 *     kernel does not know is 0, else E2BIG. Too short for the first fields: EINVAL.
 *   - Flag bits, padding and reserved fields that the kernel does not know must be 0, else
 *     EOPNOTSUPP.
 *   - The word is made with _IO(VMM_LINUX_GROUP, number), so that it stays when the struct grows.
 *   - No pointers and no types whose size depends on the compiler: __u64 and __u32.
 */
#define VMM_LINUX_GROUP		0xD6

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
