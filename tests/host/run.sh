#!/bin/sh
# SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
#
# tests/host/run.sh
#
# Runs the tests of this folder on emulated hosts. CPU=svm|vmx|svm-nrips (svm), KERNEL=6.1|6.12|debug (6.1). Exit status 1 if one failed.
set -eu
cd "$(dirname "$0")/../.."
cpu=${CPU:-svm} kernel=${KERNEL:-6.1}
make -s -C tests/guest
status=0
# shellcheck disable=SC2016 # for the shell there
scripts/emuhost --cpu "$cpu" --kernel "$kernel" --smp 2 --timeout "${TIMEOUT:-1800}" -- \
	sh -c 's=0; tests/host/t_life.sh || s=1; tests/host/t_kvm.sh || s=1; tests/host/t_sysctl.sh || s=1; exit $s' || status=$?
scripts/emuhost --cpu "$cpu" --kernel "$kernel" --smp 1 --timeout "${TIMEOUT:-1800}" --append "clearcpuid=${cpu%%-*}" -- \
	tests/host/t_no_hardware.sh || status=$?
exit $status
