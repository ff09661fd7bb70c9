#!/bin/sh
# SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
#
# tests/build/run.sh
#
# Builds vmm.ko for the newest 6.1 and 6.12 with W=1 and sparse: not one warning, of the compiler, sparse, objtool or modpost.
# Every header of src/ compiles alone. modinfo says everything. Entry and exit have their mitigations, in the right order.
set -eu
cd "$(dirname "$0")/../.."
root=$PWD
passed=0 failed=0
log=$(mktemp)
trap 'rm -rf "$log" "$log.d"' EXIT

result()
{
	if [ "$1" = 0 ]; then
		echo "ok $2"
		passed=$((passed + 1))
	else
		echo "not ok $2"
		failed=$((failed + 1))
	fi
}

builds_clean()
{
	rm -rf "build/clean-$1"
	make -j "$(nproc)" KVER="$1" B="$root/build/clean-$1" sparse >"$log" 2>&1 || { tail -n 30 "$log"; return 1; }
	# Debian's header packages hold no vmlinux to make BTF from: that line is about the packages.
	! grep -E 'warning:|WARNING:|error:' "$log"
}

headers_alone()
{
	rm -rf "$log.d"
	mkdir "$log.d"
	ln -s "$root/build/clean-$1/src" "$root/uapi" "$log.d"
	(
		cd src
		find . -name '*.h' ! -name 'compat*.h' | sed 's/^\.\///'
	) | while read -r header; do
		name=h_$(echo "$header" | tr '/.' '__')
		echo "#include \"src/$header\"" >"$log.d/$name.c"
		echo "obj-m += $name.o"
	done >"$log.d/Kbuild"
	objects=$(sed -n 's/^obj-m += //p' "$log.d/Kbuild")
	echo "ccflags-y := -I\$(src) -I\$(src)/uapi -I\$(src)/src/compat -I\$(src)/src -include \$(src)/src/compat/compat.h" >>"$log.d/Kbuild"
	# shellcheck disable=SC2086 # one word an object
	make -s -k -j "$(nproc)" -C "/lib/modules/$1/build" M="$log.d" $objects >"$log" 2>&1 ||
		{ grep -E 'error' "$log" | head -n 20; return 1; }
}

modinfo_complete()
{
	for field in description author license version; do
		[ -n "$(/sbin/modinfo -F $field "build/clean-$1/vmm.ko")" ] || { echo "no $field"; return 1; }
	done
	# "name:text (type)": a parameter without a text has nothing between the colon and the type
	! /sbin/modinfo -F parm "build/clean-$1/vmm.ko" | grep -E '^[a-z_0-9]+:\('
}

mitigations_in_order()
{
	tests/build/mitigations.py "build/clean-$1" "/lib/modules/$1/build" >"$log" 2>&1 || { grep -v '^ok ' "$log"; return 1; }
}

for series in 6.1 6.12; do
	release=$(basename "$(dirname "$(dirname "$(scripts/kernel-image "$series")")")")
	status=0
	builds_clean "$release" || status=$?
	result "$status" "build_clean_$series"
	status=0
	headers_alone "$release" || status=$?
	result "$status" "headers_alone_$series"
	status=0
	modinfo_complete "$release" || status=$?
	result "$status" "modinfo_complete_$series"
	status=0
	mitigations_in_order "$release" || status=$?
	result "$status" "mitigations_in_order_$series"
done
echo "$passed passed, $failed failed"
[ "$failed" = 0 ]
