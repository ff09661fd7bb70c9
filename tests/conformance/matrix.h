/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* The error matrix: machines in a known state, arguments in every kind of memory, and what must not change. */
#ifndef MATRIX_H
#define MATRIX_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <vmm_linux.h>

/* ---- the machine of the matrix, which cases.tsv relies on ---- */

#define VCPU_LIMIT	16		/* run.sh loads the module with maxcpu=16 */
#define SYSMEM_BYTES	0x200000	/* segment 0 ... */
#define SYSMEM_MAPPED	0x100000	/* ... of which so much is at gpa 0 */
#define DEVMEM_BYTES	0x1000		/* segment 1, "rom" ... */
#define DEVMEM_GPA	0xfffff000ull	/* ... is here, read only */
#define CODE_GPA	0x1000

/* vCPUs 0 and 1 are active, 2 is not but exists. */
enum state {
	STATE_FRESH,			/* never run */
	STATE_RUNNING,			/* a thread runs vCPU 0: a jump to itself */
	STATE_SUSPENDED,		/* the same, then VM_SUSPEND; vCPU 0 waits for vCPU 1 at the barrier */
	STATE_DEAD,			/* both have left VM_RUN with SUSPENDED */
	STATE_DESTROYED,		/* with the descriptor still open */
	STATES
};

struct subject {
	const char	*name;
	enum state	state;
	int		fd;
	uint8_t		*mem;		/* SYSMEM_MAPPED at gpa 0 */
	int		seg_fd;		/* /dev/vmm.io/NAME.rom */
	volatile int	ran_out;	/* the exit code that vCPU 0's thread came back with, + 1; or - errno */
};

/* Ends the process with the reason where a machine cannot be had. */
void	subject_create(struct subject *s, const char *name, enum state state);
/* Whether its threads are where they should be. */
bool	subject_still(const struct subject *s, char *why, size_t size);

/* ---- what a request must leave alone ---- */

struct light {				/* looked at after each case; of vCPU 0 only where no thread runs it */
	uint64_t	regs[2][VM_REG_LAST];
	uint64_t	intinfo[2][2];
	uint8_t		active[128], debug[128];
	struct vm_cpu_topology topology;
	int		x2apic[2];
};

struct full {				/* after each request's cases */
	struct light	light;
	uint8_t		suspended[128];
	struct seg_desc	desc[2][10];
	int		caps[2][VM_CAP_MAX];
	struct vm_memseg segs[VM_MAX_MEMSEGS];
	struct vm_memmap maps[VM_MAX_MEMMAPS];
	uint32_t	ioapic[0x10 + 2 * 32], lapic[2][64], hpet[0x200 / 4];
	uint8_t		nvram[128];
	uint64_t	memory;		/* a checksum */
};

/* Both give zeros for a destroyed machine. */
void	light_take(const struct subject *s, struct light *light);
void	full_take(const struct subject *s, struct full *full);
/* What differs, by name, or NULL. */
const char *light_difference(const struct light *a, const struct light *b);
const char *full_difference(const struct full *a, const struct full *b);

/* ---- arguments ---- */

enum { PTR_NULL, PTR_RW, PTR_RO, PTR_BAD, PTR_KERNEL, PTR_ODD, PTR_END8, PTR_WRAP, PTRS };
enum { POKE_END, POKE_PTR = 100, POKE_STR };	/* 1, 2, 4, 8: so many bytes of the value */

struct poke {
	unsigned int	offset;
	unsigned int	kind;
	uint64_t	value;
	const char	*text;
};

#define POKES_MAX	10
#define ARG_MAX		1024

extern const char *const ptr_names[PTRS];
void	arg_setup(void);
/* An address of that kind; memory of rw, ro and end8 becomes zero. */
void	*arg_ptr(int kind);
void	arg_build(uint8_t *arg, const struct poke *pokes);
bool	arg_matches(const uint8_t *arg, const struct poke *pokes);
/* Where the caller's argument goes: writable, read only (filled with CONTENT), or so that only its first BYTES are there. */
uint8_t	*arg_writable(void);
uint8_t	*arg_read_only(const uint8_t *content);
uint8_t	*arg_straddling(size_t bytes);

#endif /* MATRIX_H */
