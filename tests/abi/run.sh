#!/bin/sh
# SPDX-License-Identifier: BSD-2-Clause
#
# Check the headers of uapi/: every one compiles alone wherever it may be included, and everything in
# them is as the tables say. Prints a line for each difference and ends with "N passed, N failed".
#
# CC, CXX	compilers (gcc, g++)
# KDIRS		build trees of kernels to compile for (all of /lib/modules/*/build; "none": no kernel)
# UAPI		the headers to check (../../uapi)

# shellcheck disable=SC2086	# $warnings and $headers are lists
set -u
here=$(cd "$(dirname "$0")" && pwd)
uapi=$(cd "${UAPI:-$here/../../uapi}" && pwd) || exit 1
: "${CC:=gcc}" "${CXX:=g++}" "${KDIRS:=/lib/modules/*/build}"
tmp=$(mktemp -d) || exit 1
trap 'rm -rf "$tmp"' EXIT
trap 'exit 1' HUP INT TERM

headers="machine/vmm_types.h machine/vmm.h machine/vmm_dev.h machine/vmm_snapshot.h
	machine/vmm_compat.h vmm_linux.h"
warnings="-Wall -Wextra -Wpedantic -Wshadow -Werror"
passed=0
failed=0

# try NAME COMMAND...: one check: COMMAND succeeds. Else $lines of its errors are shown.
lines=20
try() {
	name=$1
	shift
	if "$@" >"$tmp/log" 2>&1; then
		passed=$((passed + 1))
	else
		failed=$((failed + 1))
		grep -E 'error|warning' "$tmp/log" | head -n $lines | sed "s|^|$name: |"
		[ -s "$tmp/log" ] || echo "$name: failed"
	fi
}

# context NAME LANGUAGE COMMAND...: every header alone, and twice.
context() {
	label=$1
	language=$2
	shift 2
	for header in $headers; do
		printf '#include <%s>\n#include <%s>\n' "$header" "$header" >"$tmp/alone.$language"
		try "$header alone, $label" \
			"$@" $warnings -I"$uapi" -c "$tmp/alone.$language" -o "$tmp/alone.o"
	done
}

# assertions NAME LANGUAGE COMMAND...: the tables, as static assertions. What is wrong everywhere is
# for the comparison below to list: one line is enough here.
assertions() {
	lines=1
	label=$1
	language=$2
	shift 2
	try "tables, $label" "$@" $warnings -I"$uapi" -c "$tmp/assert.$language" -o "$tmp/assert.o"
	lines=20
}

# kernel KDIR: a module with all headers and the assertions, for the kernel built there.
kernel() {
	mkdir -p "$tmp/module"
	cp "$tmp/assert.c" "$tmp/module/abi_assert.c"
	printf 'obj-m := abi_assert.o\nccflags-y := -I%s -Werror\n' "$uapi" >"$tmp/module/Kbuild"
	for header in $headers; do
		file=alone_$(basename "$header" .h)
		printf '#include <%s>\n' "$header" >"$tmp/module/$file.c"
		printf '#include <linux/module.h>\nMODULE_LICENSE("Dual BSD/GPL");\n' >>"$tmp/module/$file.c"
		printf 'obj-m += %s.o\n' "$file" >>"$tmp/module/Kbuild"
	done
	try "kernel $1" make -s -C "$1" M="$tmp/module" W=1 modules
	rm -rf "$tmp/module"
}

python3 "$here/gen.py" program "$uapi" >"$tmp/abi.c" || exit 1
python3 "$here/gen.py" assert "$uapi" >"$tmp/assert.c" || exit 1
cp "$tmp/assert.c" "$tmp/assert.cc"

context "C11" c "$CC" -std=c11
context "GNU C" c "$CC" -std=gnu11 -D_GNU_SOURCE
context "C99" c "$CC" -std=c99
context "freestanding C" c "$CC" -std=gnu11 -ffreestanding
context "C++11" cc "$CXX" -std=c++11
context "C++20" cc "$CXX" -std=c++20
assertions "C11" c "$CC" -std=c11
assertions "freestanding C" c "$CC" -std=gnu11 -ffreestanding
assertions "C++11" cc "$CXX" -std=c++11
assertions "C++20" cc "$CXX" -std=c++20

for kdir in $KDIRS; do
	if [ -e "$kdir/Makefile" ]; then
		kernel "$kdir"
	else
		echo "no kernel headers ($kdir): kernel context skipped"
	fi
done

try "comparison with the tables" \
	"$CC" -std=gnu11 $warnings -Wno-type-limits -I"$uapi" -I"$here" "$tmp/abi.c" -o "$tmp/abi"
if [ -x "$tmp/abi" ]; then
	"$tmp/abi" "$passed" "$failed"
else
	echo "the comparison did not compile: a size is wrong, or a name of the tables is missing"
	echo "$passed passed, $failed failed"
	exit 1
fi
