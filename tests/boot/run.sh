#!/bin/sh
# SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
#
# tests/boot/run.sh [ROUNDS]
#
# Boots a Debian guest to its power-off ROUNDS times (1) in each of: 1, 2 and 4 virtual processors with 512 MiB, 2 with 3 GiB
# and 2 with 6 GiB, which has RAM above 4 GiB. KERNEL=6.1|6.12|debug is the host's kernel, GUEST=6.1|6.12 the guest's (6.1 each),
# CPU=svm|vmx|svm-nrips the processor (svm); with the last two the host has 2 GiB, and guests with more are skipped. GUESTS="2:512 2:1024" are
# other processors and MiB. Last line: "N passed, N failed[, N skipped]".
set -eu
cd "$(dirname "$0")/../.."
: "${KERNEL:=6.1}" "${GUEST:=6.1}" "${CPU:=svm}" "${GUESTS:=1:512 2:512 4:512 2:3072 2:6144}"
case $CPU in
svm) mem=8G ;;
*) mem=2G ;;
esac

make -s tools
vmlinuz=$(scripts/kernel-image "$GUEST")
initramfs=$(scripts/guest-initramfs)
# shellcheck disable=SC2016,SC2086 # for the shell there; a list
exec scripts/emuhost --cpu "$CPU" --kernel "$KERNEL" --smp 2 --mem "$mem" --timeout "${TIMEOUT:-3000}" -- \
	sh -c 'insmod vmm.ko maxcpu=4 && exec sh "$@"' sh tests/boot/host-part "$vmlinuz" "$initramfs" "${1:-1}" $GUESTS
