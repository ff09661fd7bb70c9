/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/*
 * Tracepoints, under events/vmm in tracefs. Off, each is a jump that is not taken.
 *
 *	perf trace -e 'vmm:*'; trace-cmd record -e vmm; bpftrace -e 'tracepoint:vmm:vmm_exit {…}'
 *
 * A program reads: vmm_exit with the reason's number as the processor's manual has it, vmm_user_exit with
 * VM_EXITCODE_*, vmm_inject with the event as VMCB and VMCS spell it (semantics.md section 11).
 */
#undef TRACE_SYSTEM
#define TRACE_SYSTEM vmm

#if !defined(VMM_TRACE_H) || defined(TRACE_HEADER_MULTI_READ)
#define VMM_TRACE_H

#include <linux/tracepoint.h>
#include "vcpu.h"
#include "vm.h"

#define TRACE_NAME_BYTES	32	/* longer names of VMs are cut */

/* The processor left the guest. */
TRACE_EVENT(vmm_exit,
	TP_PROTO(const struct vcpu *vcpu, u64 reason, u64 info1, u64 info2),
	TP_ARGS(vcpu, reason, info1, info2),
	TP_STRUCT__entry(
		__array(char, vm, TRACE_NAME_BYTES)
		__field(u32, vcpu)
		__field(u64, rip)
		__field(u64, reason)
		__field(u64, info1)
		__field(u64, info2)
	),
	TP_fast_assign(
		strscpy(__entry->vm, vcpu->vm->name, TRACE_NAME_BYTES);
		__entry->vcpu = vcpu->id;
		__entry->rip = vcpu->exit_rip;
		__entry->reason = reason;
		__entry->info1 = info1;
		__entry->info2 = info2;
	),
	TP_printk("%s vcpu %u rip %#llx reason %#llx info %#llx %#llx", __entry->vm, __entry->vcpu,
		  __entry->rip, __entry->reason, __entry->info1, __entry->info2)
);

/* VM_RUN returns: a reason for user space, or an errno. */
TRACE_EVENT(vmm_user_exit,
	TP_PROTO(const struct vcpu *vcpu, int err),
	TP_ARGS(vcpu, err),
	TP_STRUCT__entry(
		__array(char, vm, TRACE_NAME_BYTES)
		__field(u32, vcpu)
		__field(int, err)
		__field(u32, exitcode)
		__field(u64, rip)
	),
	TP_fast_assign(
		strscpy(__entry->vm, vcpu->vm->name, TRACE_NAME_BYTES);
		__entry->vcpu = vcpu->id;
		__entry->err = err;
		__entry->exitcode = vcpu->exit.exitcode;
		__entry->rip = vcpu->exit.rip;
	),
	TP_printk("%s vcpu %u rip %#llx exitcode %u err %d", __entry->vm, __entry->vcpu,
		  __entry->rip, __entry->exitcode, __entry->err)
);

/* An event goes into the guest with the next entry. */
TRACE_EVENT(vmm_inject,
	TP_PROTO(const struct vcpu *vcpu, u64 event),
	TP_ARGS(vcpu, event),
	TP_STRUCT__entry(
		__array(char, vm, TRACE_NAME_BYTES)
		__field(u32, vcpu)
		__field(u64, event)
	),
	TP_fast_assign(
		strscpy(__entry->vm, vcpu->vm->name, TRACE_NAME_BYTES);
		__entry->vcpu = vcpu->id;
		__entry->event = event;
	),
	TP_printk("%s vcpu %u vector %u type %u error %#x%s", __entry->vm, __entry->vcpu,
		  (u32)__entry->event & 0xff, (u32)(__entry->event >> 8) & 7,
		  (u32)(__entry->event >> 32), __entry->event & BIT_ULL(11) ? "" : " (none)")
);

/* A request on /dev/vmm/NAME has been answered. */
TRACE_EVENT(vmm_ioctl,
	TP_PROTO(const struct vm *vm, u32 word, int err),
	TP_ARGS(vm, word, err),
	TP_STRUCT__entry(
		__array(char, vm, TRACE_NAME_BYTES)
		__field(u32, word)
		__field(int, err)
	),
	TP_fast_assign(
		strscpy(__entry->vm, vm->name, TRACE_NAME_BYTES);
		__entry->word = word;
		__entry->err = err;
	),
	TP_printk("%s request %#x err %d", __entry->vm, __entry->word, __entry->err)
);

#endif

#undef TRACE_INCLUDE_PATH
#define TRACE_INCLUDE_PATH .
#undef TRACE_INCLUDE_FILE
#define TRACE_INCLUDE_FILE trace
#include <trace/define_trace.h>
