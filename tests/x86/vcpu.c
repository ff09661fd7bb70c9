// SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
#include <errno.h>
#include <string.h>
#include <asm/processor-flags.h>
#include <linux/kernel.h>

#include "vcpu.h"

static int reg_get(void *ctx, enum vm_reg_name reg, u64 *val)
{
	struct test_vcpu *vcpu = ctx;

	if ((unsigned int)reg >= VM_REG_LAST)
		return -EINVAL;
	*val = vcpu->reg[reg];
	return 0;
}

static int reg_set(void *ctx, enum vm_reg_name reg, u64 val)
{
	struct test_vcpu *vcpu = ctx;

	if ((unsigned int)reg >= VM_REG_LAST)
		return -EINVAL;
	vcpu->reg[reg] = val;
	return 0;
}

static int desc_get(void *ctx, enum vm_reg_name reg, struct seg_desc *desc)
{
	struct test_vcpu *vcpu = ctx;

	if (reg < VM_REG_GUEST_ES || reg > VM_REG_GUEST_GS)
		return -EINVAL;
	*desc = vcpu->desc[reg];
	return 0;
}

static int simd_get(void *ctx, unsigned int index, void *buf, int bytes)
{
	struct test_vcpu *vcpu = ctx;

	if (index > 15 || (bytes != 16 && bytes != 32))
		return -EINVAL;
	memcpy(buf, vcpu->simd[index], bytes);
	return 0;
}

static int simd_set(void *ctx, unsigned int index, const void *buf, int bytes)
{
	struct test_vcpu *vcpu = ctx;

	if (index > 15 || (bytes != 16 && bytes != 32))
		return -EINVAL;
	memcpy(vcpu->simd[index], buf, bytes);
	return 0;
}

static bool is_access_legal(struct test_vcpu *vcpu, u64 gpa, int bytes)
{
	bool power = bytes > 0 && bytes <= 32 && !(bytes & (bytes - 1));

	if (power && (gpa & 4095) + bytes <= 4096 && gpa < VCPU_MEMORY)
		return true;
	vcpu->bad++;
	return false;
}

static int phys_read(void *ctx, u64 gpa, void *buf, int bytes)
{
	struct test_vcpu *vcpu = ctx;

	if (!is_access_legal(vcpu, gpa, bytes))
		return -EFAULT;
	vcpu->reads++;
	memcpy(buf, vcpu->memory + gpa, bytes);
	return 0;
}

static int phys_write(void *ctx, u64 gpa, const void *buf, int bytes)
{
	struct test_vcpu *vcpu = ctx;

	if (!is_access_legal(vcpu, gpa, bytes))
		return -EFAULT;
	vcpu->writes++;
	memcpy(vcpu->memory + gpa, buf, bytes);
	return 0;
}

static int translate(void *ctx, u64 gla, int prot, u64 *gpa)
{
	struct test_vcpu *vcpu = ctx;

	if (!prot || gla >= VCPU_MEMORY) {
		vcpu->injected = 14;
		return EMUL_FAULTED;
	}
	*gpa = gla;
	return 0;
}

static int inject(void *ctx, int vector, bool has_error, u32 error)
{
	struct test_vcpu *vcpu = ctx;

	if (has_error != (vector >= 10 && vector <= 17 && vector != 16) || error)
		vcpu->bad++;
	vcpu->injected = vector;
	return 0;
}

const struct emul_ops test_vcpu_ops = {
	.reg_get = reg_get,
	.reg_set = reg_set,
	.desc_get = desc_get,
	.simd_get = simd_get,
	.simd_set = simd_set,
	.phys_read = phys_read,
	.phys_write = phys_write,
	.translate = translate,
	.inject = inject,
};

void test_vcpu_reset(struct test_vcpu *vcpu)
{
	int i;

	memset(vcpu->reg, 0, sizeof(vcpu->reg));
	for (i = VM_REG_GUEST_ES; i <= VM_REG_GUEST_GS; i++)
		vcpu->desc[i] = (struct seg_desc){ .limit = 0xffffffff, .access = 0xc093 };
	vcpu->desc[VM_REG_GUEST_CS].access = 0xc09b;
	vcpu->reg[VM_REG_GUEST_CR0] = X86_CR0_PE | X86_CR0_PG;
	vcpu->reg[VM_REG_GUEST_CR4] = X86_CR4_OSFXSR | X86_CR4_OSXSAVE;
	vcpu->reg[VM_REG_GUEST_RFLAGS] = 2;
	vcpu->injected = -1;
	vcpu->reads = 0;
	vcpu->writes = 0;
	vcpu->bad = 0;
}
