#!/bin/sh
# SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
#
# tests/vmx/run.sh
#
# In one boot of an emulated Intel host, which is slow: Debian guests with one and two processors to their power-off, as
# tests/boot does, and the tests of tests/guest. KERNEL=6.1|6.12 is the host's kernel (6.1), GUEST=6.1|6.12 the guest's (6.12, which unpacks
# itself in a tenth of the time). Last line: "N passed, N failed[, N skipped]".
set -eu
cd "$(dirname "$0")/../.."
: "${KERNEL:=6.1}" "${GUEST:=6.12}"

make -s tools
make -s -C tests/guest
vmlinuz=$(scripts/kernel-image "$GUEST")
initramfs=$(scripts/guest-initramfs)
exec scripts/emuhost --cpu vmx --kernel "$KERNEL" --smp 2 --timeout "${TIMEOUT:-3600}" -- sh tests/vmx/on-host "$vmlinuz" "$initramfs"
