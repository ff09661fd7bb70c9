# shellcheck shell=sh
# SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
#
# pattern: 256 MiB and a little on stdout, the same every time, with no two pages alike: a MiB of numbered lines again and again, each time
# after a heading of 10 bytes, so that what falls on a page boundary moves by 10 bytes from MiB to MiB.

pattern()
{
	block=${TMPDIR:-/tmp}/pattern.$$
	seq 1000000 1131071 >"$block"
	for i in $(seq 100 355); do
		echo "block $i"
		cat "$block"
	done
	rm "$block"
}
