#!/bin/sh
# SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
#
# tests/boot/run.sh [ROUNDS]
#
# Boots a Debian guest to its power-off ROUNDS times (1) in each of: 1, 2 and 4 virtual processors with 512 MiB, 2 with 3 GiB
# and 2 with 6 GiB, which has RAM above 4 GiB. KERNEL=6.1|6.12|debug is the host's kernel, GUEST=6.1|6.12 the guest's (6.1 each),
# CPU=svm|vmx the processor. Last line: "N passed, N failed".
set -eu
cd "$(dirname "$0")/../.."
: "${KERNEL:=6.1}" "${GUEST:=6.1}" "${CPU:=svm}"

make -s tools
vmlinuz=$(scripts/kernel-image "$GUEST")
initramfs=$(scripts/guest-initramfs)
# shellcheck disable=SC2016 # for the shell there
exec scripts/emuhost --cpu "$CPU" --kernel "$KERNEL" --smp 2 --mem 8G --timeout "${TIMEOUT:-3000}" -- \
	sh -c 'insmod vmm.ko maxcpu=4 && exec sh "$@"' sh tests/boot/host-part "$vmlinuz" "$initramfs" "${1:-1}"
