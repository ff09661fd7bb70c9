// SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
/* vmmctl: looks into a machine and changes it, with bhyvectl's options. */
#include <string.h>

#include "session.h"

int main(int argc, char **argv)
{
	if (argc > 1 && strcmp(argv[1], "ppt") == 0)
		return ppt_main(argc - 1, argv + 1);
	return vmmctl(argc, argv);
}
