#!/bin/sh
# SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
#
# tests/snapshot/run.sh [ROUNDS]
#
# On an emulated host: a Linux guest with two processors is saved and goes on in a fresh machine, ROUNDS times (2), without
# noticing; damaged files are refused; the kernel's records are spoilt in every way and restore nothing. KERNEL=6.1|6.12|debug
# is the host's kernel, GUEST=6.1|6.12 the guest's, GUEST_APPEND goes to its command line, CPU=svm is the processor;
# HOSTILE=N spoils N records (2000) whose checksums are right. Last line: "N passed, N failed".
set -eu
cd "$(dirname "$0")/../.."
here=tests/snapshot
out=build/tests/snapshot

make -s tools
mkdir -p "$out"
"${CC:-gcc}" -std=gnu11 -O2 -g -Wall -Wextra -D_GNU_SOURCE -Iuapi -Itools/libvmmapi -o "$out/records" "$here/records.c" \
	build/tools/libvmmapi.a

tree=$(mktemp -d)
trap 'rm -rf "$tree"' EXIT
mkdir -p "$tree/bin" "$tree/dev" "$tree/proc"
cp /bin/busybox "$tree/bin/"
for applet in sh mount dd taskset md5sum awk sleep echo; do
	ln -s busybox "$tree/bin/$applet"
done
install -m 755 "$here/guest-init" "$tree/init"
(cd "$tree" && find . | cpio -o -H newc --quiet -R 0:0) | gzip >"$out/initrd"

vmlinuz=$(scripts/kernel-image "${GUEST:=6.1}")
# shellcheck disable=SC2016 # for the shell there
scripts/emuhost --cpu "${CPU:=svm}" --kernel "${KERNEL:=6.1}" --smp 2 --mem 3G --timeout "${TIMEOUT:-3600}" -- sh -c \
	'insmod vmm.ko && exec sh "$@"' sh "$here/host-part" "$vmlinuz" "$out/initrd" "$out/records" "${1:-2}" "${GUEST_APPEND:-}" \
	"${HOSTILE:-2000}"
