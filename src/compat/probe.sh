#!/bin/sh
# SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
# probe.sh KDIR OUT: compile every file of probes/ the way KDIR compiles a module, and write
# OUT with a HAVE_NAME for each that compiles. A kernel's version number says nothing here.
set -eu
kdir=$1
out=$2
here=$(cd "$(dirname "$0")" && pwd)
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT INT TERM

cp "$here"/probes/* "$work"
: > "$work/Kbuild"
for src in "$work"/*.c "$work"/*.S; do
	name=$(basename "${src%.*}")
	echo "obj-m += $name.o" >> "$work/Kbuild"
done
# Each object on its own and without modpost: a failure is an answer, not an error.
# shellcheck disable=SC2046
make -s -k -C "$kdir" M="$work" W=0 $(cd "$work" && ls ./*.c ./*.S | sed 's/^\.\///; s/\.[cS]$/.o/') \
	> "$work/log" 2>&1 || true
ok=0
{
	echo "/* Made by src/compat/probe.sh. */"
	for src in "$work"/*.c "$work"/*.S; do
		name=$(basename "${src%.*}")
		if [ -f "$work/$name.o" ]; then
			echo "#define HAVE_$(echo "$name" | tr 'a-z' 'A-Z') 1"
			ok=$((ok + 1))
		fi
	done
} > "$work/result"
# Not one success means that KDIR cannot compile anything: say so here, not in a hundred errors later.
if [ "$ok" = 0 ] && ! grep -q 'error' "$work/log"; then
	echo "vmm: $kdir cannot build modules (are its headers complete?):" >&2
	tail -n 5 "$work/log" >&2
	exit 1
fi
cmp -s "$work/result" "$out" || cp "$work/result" "$out"
