// SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
/* vmmctl: looks into a machine and changes it, with bhyvectl's options. */
#include "session.h"

int main(int argc, char **argv)
{
	return vmmctl(argc, argv);
}
