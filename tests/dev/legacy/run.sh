#!/bin/sh
# SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
#
# The bus, the timers and the legacy chips (8259, 8254, HPET, PM timer, RTC), as a program under the
# address and undefined-behaviour sanitizers: the KUnit suites of kunit/ and, on top, random
# programming against independent models, all on a clock that is cranked by hand. Needs a C compiler
# only. Last line: "N passed, N failed"; exit status 0 if none failed.
#
# usage: tests/dev/legacy/run.sh [SEED]        CC=clang tests/dev/legacy/run.sh

set -eu

here=$(cd "$(dirname "$0")" && pwd)
root=$(cd "$here/../../.." && pwd)
: "${CC:=gcc}"

build=$(mktemp -d "${TMPDIR:-/tmp}/legacy.XXXXXX")
trap 'rm -rf "$build"' EXIT

set -- "$@" --
for chip in bus record vtimer vatpic vatpit vhpet vpmtmr vrtc; do
	set -- "$@" "$root/src/dev/$chip.c"
done
for suite in vtimer vatpic vatpit vhpet vpmtmr vrtc; do
	set -- "$@" "$root/kunit/${suite}_test.c"
done
seed=
if [ "$1" != -- ]; then
	seed=$1
	shift
fi
shift

if ! "$CC" -std=gnu11 -g -O1 -Wall -Wextra -Werror \
	-Wno-unused-parameter -Wno-unused-function -Wno-sign-compare -Wno-missing-field-initializers \
	-fsanitize=address,undefined -fno-sanitize-recover=all -fno-omit-frame-pointer \
	-I"$here/include" -I"$root/uapi" -I"$root/kunit" -o "$build/legacy" "$@" "$here"/*.c
then
	echo "legacy: the program does not compile with $CC: see above, or name another compiler with CC=" >&2
	echo "0 passed, 1 failed"
	exit 1
fi

# 99: a sanitizer stopped the program before its own closing line.
export ASAN_OPTIONS=exitcode=99 UBSAN_OPTIONS=exitcode=99:print_stacktrace=1
status=0
# shellcheck disable=SC2086	# no seed, no argument
"$build/legacy" $seed || status=$?
case $status in
0 | 1) ;;
*)
	echo "legacy: stopped with status $status" >&2
	echo "0 passed, 1 failed"
	;;
esac
exit "$status"
