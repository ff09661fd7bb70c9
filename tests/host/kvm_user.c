// SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
/*
 * kvm-user [SECONDS]: a user of KVM. Makes a VM with one vCPU, runs a few instructions over and over for SECONDS (0: once) and checks their effect.
 * Prints "running" after the first round. Exit status: 0 all right; 2 KVM is not to be had, the errno's name on stdout; 1 it did wrong.
 */
#include <errno.h>
#include <fcntl.h>
#include <linux/kvm.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <time.h>
#include <unistd.h>

#define CODE_GPA	0x1000
#define PORT		0x2f0

/* Real mode: inc bx; mov ax, bx; out PORT, ax; jmp back. */
static const unsigned char code[] = { 0x43, 0x89, 0xd8, 0xba, PORT & 0xff, PORT >> 8, 0xef, 0xeb, 0xf7 };

static int absent(const char *what)
{
	printf("%s: %s\n", what, strerrorname_np(errno));
	return 2;
}

static int vcpu_set_up(int vcpu)
{
	struct kvm_sregs sregs;
	struct kvm_regs regs = { .rip = CODE_GPA, .rflags = 2 };

	if (ioctl(vcpu, KVM_GET_SREGS, &sregs) != 0)
		return -1;
	sregs.cs.base = 0;
	sregs.cs.selector = 0;
	if (ioctl(vcpu, KVM_SET_SREGS, &sregs) != 0)
		return -1;
	return ioctl(vcpu, KVM_SET_REGS, &regs);
}

/* One exit, which has to be the OUT of ROUND. */
static int round_run(int vcpu, const struct kvm_run *run, unsigned int round)
{
	unsigned short value;

	if (ioctl(vcpu, KVM_RUN, 0) != 0) {
		printf("KVM_RUN: %s\n", strerrorname_np(errno));
		return 1;
	}
	if (run->exit_reason != KVM_EXIT_IO || run->io.port != PORT || run->io.size != 2) {
		printf("exit reason %u in round %u\n", run->exit_reason, round);
		return 1;
	}
	memcpy(&value, (const char *)run + run->io.data_offset, sizeof(value));
	if (value != (unsigned short)round) {
		printf("the guest says %u in round %u\n", value, round);
		return 1;
	}
	return 0;
}

int main(int argc, char **argv)
{
	struct kvm_userspace_memory_region region = { .memory_size = 0x10000 };
	double seconds = argc > 1 ? atof(argv[1]) : 0;
	struct timespec start, now;
	struct kvm_run *run;
	int kvm, vm, vcpu, status;
	unsigned char *memory;

	setvbuf(stdout, NULL, _IOLBF, 0);
	kvm = open("/dev/kvm", O_RDWR | O_CLOEXEC);
	if (kvm < 0)
		return absent("/dev/kvm");
	vm = ioctl(kvm, KVM_CREATE_VM, 0);
	if (vm < 0)
		return absent("KVM_CREATE_VM");
	memory = mmap(NULL, region.memory_size, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	memcpy(memory + CODE_GPA, code, sizeof(code));
	region.userspace_addr = (unsigned long)memory;
	if (ioctl(vm, KVM_SET_USER_MEMORY_REGION, &region) != 0)
		return absent("KVM_SET_USER_MEMORY_REGION");
	vcpu = ioctl(vm, KVM_CREATE_VCPU, 0);
	if (vcpu < 0)
		return absent("KVM_CREATE_VCPU");
	run = mmap(NULL, (size_t)ioctl(kvm, KVM_GET_VCPU_MMAP_SIZE, 0), PROT_READ | PROT_WRITE, MAP_SHARED, vcpu, 0);
	if (run == MAP_FAILED || vcpu_set_up(vcpu) != 0)
		return absent("setting up the vCPU");

	clock_gettime(CLOCK_MONOTONIC, &start);
	for (unsigned int round = 1;; round++) {
		status = round_run(vcpu, run, round);
		if (status != 0)
			return status;
		if (round == 1)
			puts("running");
		clock_gettime(CLOCK_MONOTONIC, &now);
		if ((double)(now.tv_sec - start.tv_sec) + (double)(now.tv_nsec - start.tv_nsec) / 1e9 >= seconds)
			return 0;
	}
}
