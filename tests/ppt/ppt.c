// SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
/*
 * ppt NAME BDF [BDF]: one test on devices that the driver ppt has, without a guest's help: the VM's memory is
 * mapped here, and the device's registers are reached by VML_PPT_ACCESS. Devices are QEMU's edu (docs/specs/edu.txt)
 * unless the test says otherwise. Exit status 0 passed, 1 failed with a reason on stdout.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include <vmmapi.h>
#include <vmm_linux.h>

#define MIB		(1UL << 20)
#define MEMORY		(16 * MIB)
#define PAGE		4096UL

#define EDU_ID		0x010000ed
#define EDU_REG_ID	0x00
#define EDU_REG_INVERT	0x04
#define EDU_REG_RAISE	0x60
#define EDU_REG_ACK	0x64
#define EDU_REG_SRC	0x80
#define EDU_REG_DST	0x88
#define EDU_REG_COUNT	0x90
#define EDU_REG_CMD	0x98
#define EDU_CMD_START	1
#define EDU_CMD_TO_RAM	2
#define EDU_BUFFER	0x40000
#define EDU_BYTES	4088		/* it has 4096, and stops QEMU if all of them are wanted at once */

#define COMMAND		0x04
#define COMMAND_MASTER	0x04
#define CONFIG		VML_PPT_REGION_CONFIG

#define APIC		0xfee00000UL
#define APIC_SVR	0xf0
#define APIC_IRR	0x200
#define MSI_TO_CPU0	0xfee00000UL
#define MSI_REMAPPABLE	0x10UL
#define MSI_HANDLE_SHIFT 5

static struct vm_ppt_addr devices[2];
static char vm_name[64];

static void fail(const char *format, ...)
{
	va_list args;

	va_start(args, format);
	vprintf(format, args);
	va_end(args);
	printf("\n");
	exit(1);
}

/* What must be: otherwise the test has failed there. */
#define must(condition)									\
	do {										\
		if (!(condition))							\
			fail("line %d: %s (errno: %s)", __LINE__, #condition, strerror(errno)); \
	} while (0)
#define must_fail(call, error)								\
	do {										\
		errno = 0;								\
		if ((call) == 0 || errno != (error))					\
			fail("line %d: %s: expected %s, not %s", __LINE__, #call, strerror(error), strerror(errno)); \
	} while (0)

struct machine {
	struct vmctx *ctx;
	struct vcpu *vcpu;
	char *memory;
};

static void machine_open(struct machine *machine, const char *suffix)
{
	char *base;
	size_t low, high;

	snprintf(vm_name, sizeof(vm_name), "ppt%d%s", (int)getpid(), suffix);
	machine->ctx = vm_openf(vm_name, VMMAPI_OPEN_CREATE | VMMAPI_OPEN_CREATE_DESTROY_ON_CLOSE);
	must(machine->ctx != NULL);
	must(vm_setup_memory(machine->ctx, MEMORY, VM_MMAP_ALL) == 0);
	must(vm_get_guestmem_from_ctx(machine->ctx, &base, &low, &high) == 0);
	machine->memory = base;
	machine->vcpu = vm_vcpu_open(machine->ctx, 0);
	must(vm_activate_cpu(machine->vcpu) == 0);
}

static uint64_t reg_read(struct machine *machine, uint64_t reg, int width)
{
	uint64_t value = 0;

	must(vm_ppt_read(machine->ctx, &devices[0], 0, reg, width, &value) == 0);
	return value;
}

static void reg_write(struct machine *machine, uint64_t reg, int width, uint64_t value)
{
	must(vm_ppt_write(machine->ctx, &devices[0], 0, reg, width, value) == 0);
}

static void master_on(struct machine *machine)
{
	uint64_t command;

	must(vm_ppt_read(machine->ctx, &devices[0], CONFIG, COMMAND, 2, &command) == 0);
	must(vm_ppt_write(machine->ctx, &devices[0], CONFIG, COMMAND, 2, command | COMMAND_MASTER) == 0);
}

static void edu_open(struct machine *machine)
{
	machine_open(machine, "");
	must(vm_ppt_bind(machine->ctx, &devices[0]) == 0);
	must(reg_read(machine, EDU_REG_ID, 4) == EDU_ID);
	master_on(machine);
}

static void dma_start(struct machine *machine, uint64_t src, uint64_t dst, uint64_t count, int command)
{
	reg_write(machine, EDU_REG_SRC, 8, src);
	reg_write(machine, EDU_REG_DST, 8, dst);
	reg_write(machine, EDU_REG_COUNT, 8, count);
	reg_write(machine, EDU_REG_CMD, 8, EDU_CMD_START | command);
}

static void dma_wait(struct machine *machine)
{
	for (int i = 0; i < 1000; i++) {
		if (!(reg_read(machine, EDU_REG_CMD, 8) & EDU_CMD_START))
			return;
		usleep(10000);
	}
	fail("the DMA does not end");
}

static void dma_from_ram(struct machine *machine, uint64_t gpa, uint64_t count)
{
	dma_start(machine, gpa, EDU_BUFFER, count, 0);
	dma_wait(machine);
}

static void dma_to_ram(struct machine *machine, uint64_t gpa, uint64_t count)
{
	dma_start(machine, EDU_BUFFER, gpa, count, EDU_CMD_TO_RAM);
	dma_wait(machine);
}

static void fill(void *at, size_t len, unsigned int seed)
{
	unsigned char *byte = at;

	while (len-- > 0) {
		seed = seed * 1103515245 + 12345;
		*byte++ = (unsigned char)(seed >> 16);
	}
}

static uint64_t hpa_of(const void *at)
{
	int fd = open("/proc/self/pagemap", O_RDONLY);
	uint64_t entry = 0;

	must(fd >= 0);
	must(pread(fd, &entry, 8, (off_t)((uintptr_t)at / PAGE * 8)) == 8);
	close(fd);
	must(entry >> 63);
	return (entry & ((1ULL << 55) - 1)) * PAGE;
}

/* --- DMA -------------------------------------------------------------- */

/* Guest memory to the device and back to another place, at both ends of memory, through FreeBSD's own request. */
static void test_dma(void)
{
	static const uint64_t from[] = { 0x1000, MEMORY - PAGE, 0x345000 };
	static const uint64_t to[] = { MEMORY - 3 * PAGE, 0x7000, 0x200000 };
	struct machine machine;

	machine_open(&machine, "");
	must(vm_assign_pptdev(machine.ctx, (int)devices[0].bus, (int)devices[0].slot, (int)devices[0].func) == 0);
	master_on(&machine);
	for (unsigned int i = 0; i < 3; i++) {
		fill(machine.memory + from[i], PAGE, i);
		memset(machine.memory + to[i], 0xee, PAGE);
		dma_from_ram(&machine, from[i], EDU_BYTES);
		dma_to_ram(&machine, to[i], EDU_BYTES);
		must(memcmp(machine.memory + from[i], machine.memory + to[i], EDU_BYTES) == 0);
		must((unsigned char)machine.memory[to[i] + EDU_BYTES] == 0xee);
	}
	must(vm_unassign_pptdev(machine.ctx, (int)devices[0].bus, (int)devices[0].slot, (int)devices[0].func) == 0);
	must_fail(vm_ppt_unbind(machine.ctx, &devices[0]), EBUSY);
	vm_destroy(machine.ctx);
}

/* What is in the VM's memory map says so, and stays. */
static void test_wired(void)
{
	struct machine machine;
	vm_paddr_t gpa = 0;
	vm_ooffset_t segoff;
	int segid, prot, flags;
	size_t len;

	edu_open(&machine);
	must(vm_mmap_getnext(machine.ctx, &gpa, &segid, &segoff, &len, &prot, &flags) == 0);
	must(flags == (VM_MEMMAP_F_WIRED | VM_MEMMAP_F_IOMMU));
	must_fail(vm_munmap_memseg(machine.ctx, 0, MEMORY), EINVAL);
	must(vm_ppt_unbind(machine.ctx, &devices[0]) == 0);
	gpa = 0;
	must(vm_mmap_getnext(machine.ctx, &gpa, &segid, &segoff, &len, &prot, &flags) == 0);
	must(!(flags & VM_MEMMAP_F_IOMMU));
	must(vm_munmap_memseg(machine.ctx, 0, MEMORY) == 0);
	vm_destroy(machine.ctx);
}

/*
 * P-01: memory of the host, of another VM, and the MSI window. There, interrupts that the host has given to
 * others: remappable format, first entries of the table (VT-d 5.1.2.2; with AMD-Vi, where the index is in
 * the data, entries far from ours). QEMU lets VT-d's compatibility format through, whatever the host has set.
 */
static void test_p01(void)
{
	struct machine machine, other;
	char *canary = mmap(NULL, PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_LOCKED, -1, 0);
	char expected[PAGE];
	uint64_t targets[2];

	machine_open(&other, "other");
	fill(canary, PAGE, 7);
	memcpy(expected, canary, PAGE);
	memcpy(other.memory + 0x5000, canary, PAGE);
	edu_open(&machine);
	memset(machine.memory + 0x3000, 0xa5, PAGE);
	dma_from_ram(&machine, 0x3000, EDU_BYTES);
	targets[0] = hpa_of(canary);
	targets[1] = hpa_of(other.memory + 0x5000);
	for (int i = 0; i < 2; i++) {
		must(targets[i] >= MEMORY);
		dma_to_ram(&machine, targets[i], EDU_BYTES);
	}
	for (uint64_t handle = 0; handle < 8; handle++)
		dma_to_ram(&machine, APIC + MSI_REMAPPABLE + (handle << MSI_HANDLE_SHIFT), 4);
	must(memcmp(canary, expected, PAGE) == 0);
	must(memcmp(other.memory + 0x5000, expected, PAGE) == 0);
	/* Reads fail as well: the canary does not get into the device. */
	dma_from_ram(&machine, targets[0], EDU_BYTES);
	memset(machine.memory + 0x9000, 0, PAGE);
	dma_to_ram(&machine, 0x9000, EDU_BYTES);
	must(memcmp(machine.memory + 0x9000, expected, EDU_BYTES) != 0);
	vm_destroy(machine.ctx);
	vm_destroy(other.ctx);
}

/* P-02: for a process that is killed: DMA without an end. Says "ready" once. */
static void test_p02_dma_forever(void)
{
	struct machine machine;

	edu_open(&machine);
	memset(machine.memory, 0x5a, MEMORY);
	dma_from_ram(&machine, 0x1000, EDU_BYTES);
	printf("ready\n");
	fflush(stdout);
	for (uint64_t gpa = 0;; gpa = (gpa + PAGE) % MEMORY)
		dma_start(&machine, EDU_BUFFER, gpa, EDU_BYTES, EDU_CMD_TO_RAM);
}

/* P-02: the device is itself afterwards, and bus mastering is off until the VM wants it. */
static void test_p02_after(void)
{
	struct machine machine;
	uint64_t command;

	machine_open(&machine, "");
	must(vm_ppt_bind(machine.ctx, &devices[0]) == 0);
	must(vm_ppt_read(machine.ctx, &devices[0], CONFIG, COMMAND, 2, &command) == 0);
	must(!(command & COMMAND_MASTER));
	reg_write(&machine, EDU_REG_INVERT, 4, 0x12345678);
	must(reg_read(&machine, EDU_REG_INVERT, 4) == (uint32_t)~0x12345678);
	dma_wait(&machine);
	/* Without it nothing arrives. */
	memset(machine.memory + 0x1000, 0x11, PAGE);
	dma_to_ram(&machine, 0x1000, 16);
	must(machine.memory[0x1000] == 0x11);
	vm_destroy(machine.ctx);
}

/* --- registers in the guest's address space --------------------------- */

/* P-03 */
static void test_p03(void)
{
	struct machine machine;
	struct vml_ppt_info info, second;
	const uint64_t gpa = 0xc0000000;
	uint64_t hpa, len;

	edu_open(&machine);
	must(vm_ppt_info(machine.ctx, &devices[0], &info) == 0);
	hpa = info.regions[0].hpa;
	len = info.regions[0].len;
	must(hpa != 0 && len == MIB);
	must_fail(vm_ppt_info(machine.ctx, &devices[1], &second), EBUSY);
	must(vm_ppt_bind(machine.ctx, &devices[1]) == 0);
	must(vm_ppt_info(machine.ctx, &devices[1], &second) == 0);

	const struct { uint64_t gpa, len, hpa; } bad[] = {
		{ gpa, len, hpa - PAGE }, { gpa, len, hpa + PAGE }, { gpa, len + PAGE, hpa },
		{ gpa, PAGE, hpa + len }, { gpa, PAGE, hpa - PAGE }, { gpa, PAGE, second.regions[0].hpa },
		{ gpa, PAGE, 0 }, { gpa, PAGE, 0x100000 }, { gpa, PAGE, 0xfee00000 }, { gpa, PAGE, 0xfec00000 },
		{ gpa, 0, hpa }, { gpa, PAGE, hpa + 8 }, { gpa + 8, PAGE, hpa }, { gpa, PAGE + 8, hpa },
		{ gpa, -PAGE, hpa }, { gpa, PAGE, -PAGE }, { -PAGE, PAGE * 2, hpa }, { 0, PAGE, hpa },
		{ MEMORY - PAGE, 2 * PAGE, hpa }, { 1UL << 47, PAGE, hpa },
	};
	for (unsigned int i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		errno = 0;
		if (vm_map_pptdev_mmio(machine.ctx, (int)devices[0].bus, (int)devices[0].slot,
				       (int)devices[0].func, bad[i].gpa, bad[i].len, bad[i].hpa) == 0 ||
		    errno != EINVAL)
			fail("row %u: expected EINVAL, not %s", i, strerror(errno));
	}
	must(vm_ppt_map(machine.ctx, &devices[0], gpa, len, hpa) == 0);
	must_fail(vm_ppt_map(machine.ctx, &devices[0], gpa, len, hpa), EINVAL);
	must_fail(vm_ppt_map(machine.ctx, &devices[0], gpa + len - PAGE, PAGE, hpa), EINVAL);
	must_fail(vm_ppt_unmap(machine.ctx, &devices[0], gpa, len - PAGE), ENOENT);
	must_fail(vm_ppt_unmap(machine.ctx, &devices[0], gpa + PAGE, len), ENOENT);
	for (uint64_t i = 1; i < 7; i++)
		must(vm_ppt_map(machine.ctx, &devices[0], gpa + i * MIB, PAGE, hpa) == 0);
	must_fail(vm_ppt_map(machine.ctx, &devices[0], gpa + 8 * MIB, PAGE, hpa), ENOSPC);
	/* Memory does not come over registers, nor back to back with what has gone. */
	must_fail(vm_mmap_memseg(machine.ctx, gpa, 0, 0, PAGE, PROT_READ), EFAULT);
	must(vm_ppt_unmap(machine.ctx, &devices[0], gpa, len) == 0);
	must(vm_mmap_memseg(machine.ctx, gpa, 0, 0, PAGE, PROT_READ) == 0);
	vm_destroy(machine.ctx);
}

/* --- interrupts ------------------------------------------------------- */

static bool irr_has(struct machine *machine, int vector)
{
	uint64_t value = 0;

	must(vm_readwrite_kernemu_device(machine->vcpu, APIC + APIC_IRR + (uint64_t)(vector / 32 * 16), false, 4,
					 &value) == 0);
	return value >> vector % 32 & 1;
}

static void apic_on(struct machine *machine)
{
	uint64_t value = 0x1ff;

	must(vm_readwrite_kernemu_device(machine->vcpu, APIC + APIC_SVR, true, 4, &value) == 0);
}

static bool irr_comes(struct machine *machine, int vector)
{
	for (int i = 0; i < 200; i++) {
		if (irr_has(machine, vector))
			return true;
		usleep(10000);
	}
	return false;
}

static void test_msi(void)
{
	struct machine machine;

	edu_open(&machine);
	apic_on(&machine);
	must(vm_setup_pptdev_msi(machine.ctx, (int)devices[0].bus, (int)devices[0].slot, (int)devices[0].func,
				 MSI_TO_CPU0, 0x51, 1) == 0);
	must(!irr_has(&machine, 0x51));
	reg_write(&machine, EDU_REG_RAISE, 4, 1);
	must(irr_comes(&machine, 0x51));
	reg_write(&machine, EDU_REG_ACK, 4, 1);
	/* Elsewhere from now on. */
	must(vm_ppt_msi(machine.ctx, &devices[0], MSI_TO_CPU0, 0x62, 1) == 0);
	reg_write(&machine, EDU_REG_RAISE, 4, 1);
	must(irr_comes(&machine, 0x62));
	reg_write(&machine, EDU_REG_ACK, 4, 1);
	must(vm_ppt_msi(machine.ctx, &devices[0], 0, 0, 0) == 0);
	vm_destroy(machine.ctx);
}

/* P-07 for MSI and for what has no MSI-X. */
static void test_p07(void)
{
	static const int bad[] = { -1, 33, 2049, 0x7fffffff, (int)0x80000000, 2, 32 };
	struct machine machine;

	edu_open(&machine);
	for (unsigned int i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		must_fail(vm_setup_pptdev_msi(machine.ctx, (int)devices[0].bus, (int)devices[0].slot,
					      (int)devices[0].func, MSI_TO_CPU0, 0x51, bad[i]), EINVAL);
		must_fail(vm_setup_pptdev_msix(machine.ctx, (int)devices[0].bus, (int)devices[0].slot,
					       (int)devices[0].func, bad[i], MSI_TO_CPU0, 0x51, 0), EINVAL);
	}
	must_fail(vm_ppt_msix(machine.ctx, &devices[0], 0, MSI_TO_CPU0, 0x51, false), EINVAL);
	for (int i = 0; i < 50; i++)
		must(vm_ppt_msi(machine.ctx, &devices[0], MSI_TO_CPU0, 0x51, 1) == 0);
	must_fail(vm_ppt_msix(machine.ctx, &devices[0], 0, MSI_TO_CPU0, 0x51, false), EBUSY);
	must_fail(vm_ppt_intx(machine.ctx, &devices[0], 16), EBUSY);
	must(vm_ppt_msi(machine.ctx, &devices[0], 0, 0, 0) == 0);
	must_fail(vm_ppt_intx(machine.ctx, &devices[0], 32), EINVAL);
	vm_destroy(machine.ctx);
}

/* P-07 and P-04 on a device with MSI-X (nvme): indexes, and its table's page. */
static void test_p07_msix(void)
{
	struct machine machine;
	struct vml_ppt_info info;
	uint64_t value, page;
	int count;

	machine_open(&machine, "");
	must(vm_ppt_bind(machine.ctx, &devices[0]) == 0);
	must(vm_ppt_info(machine.ctx, &devices[0], &info) == 0);
	count = (int)info.irqs[VML_PPT_IRQ_MSIX];
	must(count > 1 && info.msix_bar >= 0);
	const int bad[] = { -1, count, count + 1, 2049, 0x7fffffff, (int)0x80000000 };
	for (unsigned int i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		must_fail(vm_setup_pptdev_msix(machine.ctx, (int)devices[0].bus, (int)devices[0].slot,
					       (int)devices[0].func, bad[i], MSI_TO_CPU0, 0x51, 0), EINVAL);
	must(vm_ppt_msix(machine.ctx, &devices[0], count - 1, MSI_TO_CPU0, 0x51, false) == 0);
	for (unsigned int i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		must_fail(vm_ppt_msix(machine.ctx, &devices[0], bad[i], MSI_TO_CPU0, 0x51, false), EINVAL);
	must(vm_ppt_msix(machine.ctx, &devices[0], 0, MSI_TO_CPU0, 0x52, false) == 0);
	must(vm_ppt_msix(machine.ctx, &devices[0], 0, MSI_TO_CPU0, 0x52, true) == 0);
	must_fail(vm_ppt_msi(machine.ctx, &devices[0], MSI_TO_CPU0, 0x51, 1), EBUSY);
	/* P-04 */
	page = info.regions[info.msix_bar].hpa + info.msix_offset / PAGE * PAGE;
	must_fail(vm_ppt_map(machine.ctx, &devices[0], 0xc0000000, PAGE, page), EINVAL);
	must_fail(vm_ppt_map(machine.ctx, &devices[0], 0xc0000000, info.regions[info.msix_bar].len,
			     info.regions[info.msix_bar].hpa), EINVAL);
	must_fail(vm_ppt_write(machine.ctx, &devices[0], info.msix_bar, info.msix_offset, 4, 0), EPERM);
	must_fail(vm_ppt_read(machine.ctx, &devices[0], info.msix_bar,
			      info.msix_offset + 16 * (unsigned int)count - 4, 4, &value), EPERM);
	must(vm_ppt_msix_off(machine.ctx, &devices[0]) == 0);
	vm_destroy(machine.ctx);
}

/* P-06: set-up and tear-down while the device asks for an interrupt all the time. */
static void test_p06(void)
{
	struct machine machine;

	edu_open(&machine);
	apic_on(&machine);
	reg_write(&machine, EDU_REG_RAISE, 4, 1);
	for (int i = 0; i < 2000; i++) {
		must(vm_ppt_intx(machine.ctx, &devices[0], 16 + i % 8) == 0);
		if (i % 2)
			must(vm_ppt_intx(machine.ctx, &devices[0], -1) == 0);
	}
	must(vm_ppt_intx(machine.ctx, &devices[0], -1) == 0);
	must(vm_ppt_msi(machine.ctx, &devices[0], MSI_TO_CPU0, 0x51, 1) == 0);
	reg_write(&machine, EDU_REG_ACK, 4, 1);
	reg_write(&machine, EDU_REG_RAISE, 4, 1);
	must(irr_comes(&machine, 0x51));
	vm_destroy(machine.ctx);
}

/* --- config space ----------------------------------------------------- */

/* P-12: whatever is written, only bits that are the monitor's own change. */
static void test_p12(void)
{
	struct machine machine;
	struct vml_ppt_info info;
	unsigned char before[256], after[256];
	uint64_t value;
	unsigned int seed = 1;

	machine_open(&machine, "");
	must(vm_ppt_bind(machine.ctx, &devices[0]) == 0);
	must(vm_ppt_info(machine.ctx, &devices[0], &info) == 0);
	for (unsigned int i = 0; i < 256; i++) {
		must(vm_ppt_read(machine.ctx, &devices[0], CONFIG, i, 1, &value) == 0);
		before[i] = (unsigned char)value;
	}
	for (int round = 0; round < 4; round++)
		for (unsigned int width = 1; width <= 4; width *= 2)
			for (unsigned int i = 0; i < info.regions[CONFIG].len; i += width) {
				seed = seed * 1103515245 + 12345;
				value = round == 0 ? 0xffffffff : round == 1 ? 0 : seed;
				must(vm_ppt_write(machine.ctx, &devices[0], CONFIG, i, (int)width, value) == 0);
			}
	must_fail(vm_ppt_write(machine.ctx, &devices[0], CONFIG, info.regions[CONFIG].len, 4, 0), EINVAL);
	must_fail(vm_ppt_write(machine.ctx, &devices[0], CONFIG, 2, 4, 0), EINVAL);
	must_fail(vm_ppt_write(machine.ctx, &devices[0], CONFIG, 0, 8, 0), EINVAL);
	for (unsigned int i = 0; i < 256; i++) {
		must(vm_ppt_read(machine.ctx, &devices[0], CONFIG, i, 1, &value) == 0);
		after[i] = (unsigned char)value;
	}
	/* Decoding, BARs, expansion ROM, capability pointer, interrupt pin. */
	must((before[4] & 3) == (after[4] & 3));
	must((after[5] & 4) == (before[5] & 4));
	must(memcmp(before + 0x10, after + 0x10, 0x2c) == 0);
	must(before[0x3d] == after[0x3d]);
	/* MSI and MSI-X capabilities, control word to the end of what they have: untouched. */
	for (unsigned int at = before[0x34] & ~3U, n = 0; at >= 0x40 && n < 48; at = before[at + 1] & ~3U, n++) {
		if (before[at] == 0x05)
			must(memcmp(before + at, after + at, 14) == 0);
		if (before[at] == 0x11)
			must(memcmp(before + at, after + at, 12) == 0);
		if (before[at] == 0x01)
			must((before[at + 4] & 3) == (after[at + 4] & 3));
	}
	vm_destroy(machine.ctx);
}

/* --- who may ---------------------------------------------------------- */

static void test_errors(void)
{
	struct machine machine, other;
	struct vm_ppt_addr addr = devices[0];

	machine_open(&machine, "");
	machine_open(&other, "other");
	must_fail(vm_ppt_unbind(machine.ctx, &devices[0]), EBUSY);
	must(vm_ppt_bind(machine.ctx, &devices[0]) == 0);
	must_fail(vm_ppt_bind(machine.ctx, &devices[0]), EBUSY);
	must_fail(vm_ppt_bind(other.ctx, &devices[0]), EBUSY);
	must_fail(vm_ppt_unbind(other.ctx, &devices[0]), EBUSY);
	must_fail(vm_ppt_msi(other.ctx, &devices[0], MSI_TO_CPU0, 0x51, 1), EBUSY);
	must_fail(vm_ppt_map(other.ctx, &devices[0], 0xc0000000, PAGE, 0xc0000000), EBUSY);
	must_fail(vm_assign_pptdev(machine.ctx, 0, 0, 0), ENOENT);
	must_fail(vm_assign_pptdev(machine.ctx, -1, 0, 0), ENOENT);
	must_fail(vm_assign_pptdev(machine.ctx, 256, 0, 0), ENOENT);
	must_fail(vm_assign_pptdev(machine.ctx, 0, 32, 8), ENOENT);
	addr.domain = 1;
	must_fail(vm_ppt_bind(machine.ctx, &addr), ENOENT);
	must(vm_ppt_unbind(machine.ctx, &devices[0]) == 0);
	must(vm_ppt_bind(other.ctx, &devices[0]) == 0);
	vm_destroy(machine.ctx);
	vm_destroy(other.ctx);
}

/* P-10: memory where the IOMMU takes writes for messages; elsewhere next to it the device is given. */
static void test_p10(void)
{
	struct machine machine;

	machine_open(&machine, "");
	must(vm_mmap_memseg(machine.ctx, 0xfef00000 - PAGE, 0, 0, 2 * PAGE, PROT_READ | PROT_WRITE) == 0);
	must_fail(vm_ppt_bind(machine.ctx, &devices[0]), ENXIO);
	vm_destroy(machine.ctx);
	machine_open(&machine, "");
	must(vm_mmap_memseg(machine.ctx, 0xfef00000, 0, 0, 2 * PAGE, PROT_READ | PROT_WRITE) == 0);
	must(vm_ppt_bind(machine.ctx, &devices[0]) == 0);
	vm_destroy(machine.ctx);
}

/* As ENXIO, EBUSY ...: what binding gives here. */
static void test_bind_errno(void)
{
	struct machine machine;

	machine_open(&machine, "");
	errno = 0;
	(void)vm_ppt_bind(machine.ctx, &devices[0]);
	printf("%s\n", errno == 0 ? "OK" : strerrorname_np(errno));
	vm_destroy(machine.ctx);
}

/* An ordinary user, if the function was given to him. */
static void test_granted(void)
{
	struct machine machine;

	edu_open(&machine);
	memset(machine.memory + 0x1000, 0x77, PAGE);
	dma_from_ram(&machine, 0x1000, EDU_BYTES);
	dma_to_ram(&machine, 0x8000, EDU_BYTES);
	must(memcmp(machine.memory + 0x1000, machine.memory + 0x8000, EDU_BYTES) == 0);
	vm_destroy(machine.ctx);
}

/* P-15: waits until the device is taken away. */
static void test_p15(void)
{
	struct machine machine;
	struct vml_ppt_info info;
	uint64_t value;
	int event = eventfd(0, EFD_CLOEXEC);

	edu_open(&machine);
	must(vm_ppt_info(machine.ctx, &devices[0], &info) == 0);
	must(vm_ppt_map(machine.ctx, &devices[0], 0xc0000000, info.regions[0].len, info.regions[0].hpa) == 0);
	must(vm_ppt_msi(machine.ctx, &devices[0], MSI_TO_CPU0, 0x51, 1) == 0);
	must(vm_ppt_event(machine.ctx, &devices[0], event) == 0);
	dma_start(&machine, EDU_BUFFER, 0x1000, EDU_BYTES, EDU_CMD_TO_RAM);
	printf("ready\n");
	fflush(stdout);
	must(read(event, &value, 8) == 8);
	for (int i = 0; i < 500 && vm_ppt_read(machine.ctx, &devices[0], 0, 0, 4, &value) == 0; i++)
		usleep(10000);
	must(vm_ppt_read(machine.ctx, &devices[0], 0, 0, 4, &value) != 0);
	must(errno == ENOENT || errno == EBUSY);
	must(vm_ppt_unmap(machine.ctx, &devices[0], 0xc0000000, info.regions[0].len) != 0);
	vm_destroy(machine.ctx);
	printf("told\n");
}

/* Holds the device until stdin ends. */
static void test_hold(void)
{
	struct machine machine;
	char byte;

	edu_open(&machine);
	printf("ready\n");
	fflush(stdout);
	must(read(0, &byte, 1) >= 0);
	vm_destroy(machine.ctx);
}

static const struct {
	const char *name;
	void (*run)(void);
} tests[] = {
	{ "dma", test_dma }, { "wired", test_wired }, { "p01", test_p01 },
	{ "p02_dma_forever", test_p02_dma_forever }, { "p02_after", test_p02_after }, { "p03", test_p03 },
	{ "msi", test_msi }, { "p06", test_p06 }, { "p07", test_p07 }, { "p07_msix", test_p07_msix },
	{ "p10", test_p10 }, { "p12", test_p12 }, { "errors", test_errors }, { "bind_errno", test_bind_errno },
	{ "granted", test_granted }, { "p15", test_p15 }, { "hold", test_hold },
};

int main(int argc, char **argv)
{
	if (argc < 3)
		fail("usage: ppt TEST BDF [BDF]");
	for (int i = 2; i < argc && i < 4; i++)
		if (sscanf(argv[i], "%x:%x:%x.%x", &devices[i - 2].domain, &devices[i - 2].bus,
			   &devices[i - 2].slot, &devices[i - 2].func) != 4)
			fail("\"%s\" is no device: write it as 0000:00:09.0", argv[i]);
	for (unsigned int i = 0; i < sizeof(tests) / sizeof(tests[0]); i++)
		if (strcmp(argv[1], tests[i].name) == 0) {
			tests[i].run();
			return 0;
		}
	fail("there is no test \"%s\"", argv[1]);
}
