#!/bin/sh
# SPDX-License-Identifier: BSD-2-Clause
#
# The interrupt fabric and the APICs of src/dev/ in user space, with a clock that is turned by hand:
# everything under the address and undefined-behaviour sanitizers, then the races under the thread
# sanitizer. Prints what fails and ends with "N passed, N failed".
#
# CC	compiler (gcc)
# $1	run only tests whose name contains this

set -u
here=$(cd "$(dirname "$0")" && pwd)
src=$here/../../../src/dev
: "${CC:=gcc}"
tmp=$(mktemp -d) || exit 1
trap 'rm -rf "$tmp"' EXIT
trap 'exit 1' HUP INT TERM

passed=0
failed=0

# suite NAME FILTER FLAGS...: build with FLAGS, run the tests that FILTER selects.
suite() {
	name=$1
	filter=$2
	shift 2
	if ! "$CC" -std=gnu11 -g -O1 -D_GNU_SOURCE -pthread -Wall -Wextra -Wno-unused-parameter \
		-Wno-sign-compare -Wno-missing-field-initializers "$@" \
		-I"$here/include" -I"$src" -I"$src/../../uapi" -o "$tmp/$name" "$here"/*.c \
		"$src/irq.c" "$src/vlapic.c" "$src/vlapic_timer.c" "$src/vioapic.c" "$src/vtimer.c" "$src/record.c"
	then
		echo "$name: does not build"
		failed=$((failed + 1))
		return
	fi
	"$tmp/$name" "$filter" >"$tmp/log" 2>&1
	status=$?
	last=$(tail -n 1 "$tmp/log")
	case $last in
	*" passed, "*" failed")
		sed '$d' "$tmp/log"
		passed=$((passed + ${last%% *}))
		last=${last#* passed, }
		wrong=${last%% *}
		;;
	*)
		cat "$tmp/log"
		wrong=0
		;;
	esac
	# A sanitizer's report ends the program, or changes its status.
	if [ "$status" -ne 0 ] && [ "$wrong" -eq 0 ]; then
		echo "$name: exit status $status"
		wrong=1
	fi
	failed=$((failed + wrong))
}

suite address "${1:-}" -fsanitize=address,undefined -fno-sanitize-recover=undefined
suite thread "${1:-race}" -fsanitize=thread

echo "$passed passed, $failed failed"
[ "$failed" -eq 0 ]
