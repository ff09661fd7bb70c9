/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/*
 * fake_backend: a struct backend without hardware. A guest entry consumes what is pending as a real
 * backend does, notes it, and then makes the next exit of a list that the test has written. It also
 * watches that its callers keep to the contexts that backend.h promises.
 */
#ifndef KUNIT_FAKE_BACKEND_H
#define KUNIT_FAKE_BACKEND_H

#include <linux/types.h>
#include "backend.h"
#include "vcpu.h"

#define FAKE_ENTRIES	64
/* What a get of a negative register number shows, plus the number's low byte. */
#define FAKE_REG_RAW	0x5a5a0000ULL

/*
 * One guest entry and the exit that ends it. exit.rip 0: the guest has not moved since the entry.
 */
struct fake_exit {
	int verdict;			/* of struct backend's run(): VERDICT_* or -errno */
	struct vm_exit exit;
	/* What happens meanwhile; RUNNING, preemption off, IRQs on. */
	void (*guest)(struct vcpu *vcpu);
};

/* What an entry saw. */
struct fake_entry {
	u64 rip;
	u64 event;			/* injected, VM_INTINFO format; 0: none */
	bool shadow;			/* STI or MOV SS blocking is on */
};

struct fake_vcpu {
	const struct fake_exit *script;
	unsigned int script_len, script_pos;
	/*
	 * After the script's end: stay in the guest until an interrupt of the host, and enter again.
	 * False: run() fails with -ENODATA, for the test did not expect another entry.
	 */
	bool stays;

	struct fake_entry entries[FAKE_ENTRIES];	/* [index % FAKE_ENTRIES] */
	unsigned int nentries;
	unsigned int kicks;		/* the guest was left because another CPU sent an IPI */
	unsigned int loads, puts;
	const char *broken;		/* the first promise of backend.h that was not kept */

	u64 regs[VM_REG_LAST];
	struct seg_desc descs[VM_REG_LAST];
	int caps[VM_CAP_MAX];
};

extern const struct backend fake_backend;
/* VMs and vCPUs between init and fini. */
extern atomic_t fake_vms, fake_vcpus;

static inline struct fake_vcpu *to_fake(struct vcpu *vcpu)
{
	return vcpu->backend;
}

/* The exits of the next entries, and a clean slate for what is noted. vCPU frozen. */
void fake_script(struct vcpu *vcpu, const struct fake_exit *script, unsigned int len);
#define FAKE_SCRIPT(vcpu, ...)								\
	fake_script(vcpu, (const struct fake_exit[]){ __VA_ARGS__ },			\
		    ARRAY_SIZE(((const struct fake_exit[]){ __VA_ARGS__ })))

/* Exits for a script: fields of struct vm_exit behind the length. */
#define FAKE_NEUTRAL(code, length, ...)							\
	{ .verdict = VERDICT_NEUTRAL,							\
	  .exit = { .exitcode = (code), .inst_length = (length), ##__VA_ARGS__ } }
#define FAKE_USER(code, length, ...)							\
	{ .verdict = VERDICT_USER,							\
	  .exit = { .exitcode = (code), .inst_length = (length), ##__VA_ARGS__ } }
#define FAKE_RESUME(fn)		{ .verdict = VERDICT_RESUME, .guest = (fn) }
#define FAKE_ERROR(err)		{ .verdict = (err) }
/* An exit that always goes out, to end a script with. */
#define FAKE_END		FAKE_USER(VM_EXITCODE_PAUSE, 2)

/* The last entry that was made. */
const struct fake_entry *fake_last_entry(struct vcpu *vcpu);

#endif
