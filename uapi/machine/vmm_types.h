/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The types that FreeBSD's vmm headers take from its system headers, for the three places where
 * they are compiled: Linux programs (C11 and C++11 upwards), the Linux kernel (__KERNEL__), and
 * freestanding code, which needs nothing beyond the compiler's own headers. Programs include
 * <machine/vmm.h>, <machine/vmm_dev.h> or <machine/vmm_snapshot.h>, never this file.
 */
#ifndef _MACHINE_VMM_TYPES_H_
#define _MACHINE_VMM_TYPES_H_

#if !defined(__x86_64__) || !defined(__LP64__)
#error "vmm: the API exists for 64-bit x86 programs (LP64) only"
#endif

#if defined(__KERNEL__)
#include <linux/types.h>
#elif __STDC_HOSTED__
#include <stddef.h>
#include <stdint.h>
#include <sched.h>
#include <time.h>
#include <sys/time.h>
#include <sys/types.h>
#else
#include <stddef.h>
#include <stdint.h>
#endif

/* A structure's size is part of the API. Checked wherever the compiler can. */
#if !defined(__cplusplus)
#define VMM_ASSERT_SIZE(type, size)	\
	__extension__ _Static_assert(sizeof(type) == (size), #type " must have " #size " bytes")
#elif __cplusplus >= 201103L
#define VMM_ASSERT_SIZE(type, size)	\
	static_assert(sizeof(type) == (size), #type " must have " #size " bytes")
#else
#define VMM_ASSERT_SIZE(type, size)	typedef char vmm_size_not_checked
#endif

/* Marks pointers to the caller's memory, for the kernel's static checker. */
#if defined(__KERNEL__)
#define VMM_USER			__user
#else
#define VMM_USER
#endif

typedef uint64_t	vm_paddr_t;		/* guest or host physical address, bytes */
typedef int64_t		vm_ooffset_t;		/* offset in a memory segment, bytes, from 0 */

/* Bits in a cpuset_t. A request that takes a CPU set takes 1024 / 8 = 128 bytes. */
#ifndef CPU_MAXSIZE
#define CPU_MAXSIZE	1024
#endif

/*
 * cpuset_t: 1024 vCPUs, bit n of word n / 64. In programs it is the C library's cpu_set_t, so that
 * CPU_SET(), CPU_ISSET() and the others work on it; they need _GNU_SOURCE before the first
 * #include. time_t and struct timeval are the C library's as well.
 */
#if defined(__KERNEL__) || !__STDC_HOSTED__
typedef struct vmm_cpuset {
	unsigned long	__bits[CPU_MAXSIZE / (8 * sizeof(unsigned long))];
} cpuset_t;

typedef int64_t		vmm_time_t;
struct vmm_timeval {
	int64_t		tv_sec;			/* seconds since 1970-01-01 00:00 UTC */
	int64_t		tv_usec;		/* microseconds, 0 to 999999 */
};
#else
typedef cpu_set_t	cpuset_t;
typedef time_t		vmm_time_t;
#define vmm_timeval	timeval
#endif

VMM_ASSERT_SIZE(cpuset_t, 128);
VMM_ASSERT_SIZE(vmm_time_t, 8);
VMM_ASSERT_SIZE(struct vmm_timeval, 16);

/*
 * Access to guest memory: vm_memmap.prot, vm_gla2gpa.prot, vm_exit.u.paging.fault_type. PROT_READ,
 * PROT_WRITE and PROT_EXEC are the same values.
 */
#ifndef VM_PROT_READ
#define VM_PROT_NONE	0x00
#define VM_PROT_READ	0x01
#define VM_PROT_WRITE	0x02
#define VM_PROT_EXECUTE	0x04
#define VM_PROT_ALL	(VM_PROT_READ | VM_PROT_WRITE | VM_PROT_EXECUTE)
#endif

#endif /* _MACHINE_VMM_TYPES_H_ */
