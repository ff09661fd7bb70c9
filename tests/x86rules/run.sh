#!/bin/sh
# SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
#
# The vendor-free x86 rules (paging, event, cpuid, msr), as a program under the
# address and undefined-behaviour sanitizers: the KUnit suites of kunit/ and, on
# top, random inputs against independent models. About 10 s, needs a C compiler
# only. Last line: "N passed, N failed"; exit status 0 if none failed.
#
# usage: tests/x86rules/run.sh        CC=clang tests/x86rules/run.sh

set -eu

here=$(cd "$(dirname "$0")" && pwd)
root=$(cd "$here/../.." && pwd)
: "${CC:=gcc}"

build=$(mktemp -d "${TMPDIR:-/tmp}/x86rules.XXXXXX")
trap 'rm -rf "$build"' EXIT

set --
for rule in paging event cpuid msr; do
	set -- "$@" "$root/src/x86/$rule.c" "$root/kunit/${rule}_test.c"
done

if ! "$CC" -std=gnu11 -g -O1 -Wall -Wextra -Werror \
	-Wno-unused-parameter -Wno-sign-compare -Wno-missing-field-initializers \
	-fsanitize=address,undefined -fno-sanitize-recover=all -fno-omit-frame-pointer \
	-I"$here/include" -I"$root/uapi" -o "$build/x86rules" \
	"$@" "$here"/paging_oracle.c "$here"/control_oracle.c "$here"/cpuid_oracle.c "$here"/main.c
then
	echo "x86rules: the program does not compile with $CC: see above, or name another compiler with CC=" >&2
	echo "0 passed, 1 failed"
	exit 1
fi

# 99: a sanitizer stopped the program before its own closing line.
export ASAN_OPTIONS=exitcode=99 UBSAN_OPTIONS=exitcode=99:print_stacktrace=1
status=0
"$build/x86rules" || status=$?
case $status in
0 | 1) ;;
*) echo "x86rules: stopped with status $status" >&2; echo "0 passed, 1 failed" ;;
esac
exit "$status"
