#!/bin/sh
# SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
#
# tests/guest/run.sh [guest-tests' arguments]
#
# Builds guest-tests and runs it on an emulated host, where vmm.ko is loaded. CPU=svm|vmx|svm-nrips (svm), KERNEL=6.1|6.12|debug (6.1), SMP (2).
set -eu
cd "$(dirname "$0")/../.."
make -s -C tests/guest
exec scripts/emuhost --cpu "${CPU:-svm}" --kernel "${KERNEL:-6.1}" --smp "${SMP:-2}" --timeout "${TIMEOUT:-3600}" -- \
	sh -c 'insmod ./vmm.ko maxcpu=16 && exec build/tests/guest-tests "$@"' guest-tests "$@"
