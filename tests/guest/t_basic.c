// SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
#include "test.h"
#ifdef GUEST
GUEST_MAIN(empty) { }
#else
SNIPPET(one_out, 64, "mov $0x1234, %edx; mov $0xa5, %eax; out %al, (%dx); hlt");
TEST(basic_one_instruction)
{
	struct machine *m = machine_create(1);
	struct vm_exit exit;

	snippet_start(m, 0, &one_out);
	exit = EXPECT_EXIT(m, 0, VM_EXITCODE_INOUT);
	EXPECT_EQ(exit.u.inout.port, 0x1234);
}
TEST(basic_payload)
{
	struct machine *m = machine_create(1);

	vcpu_start_main(m, 0, "empty");
	EXPECT_PASS(m, 0);
}
#endif
