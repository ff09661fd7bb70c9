#!/bin/sh
# SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
#
# tests/conformance/run.sh [-v] [NAME...]
#
# Checks coverage.tsv, then runs the error matrix and the tests of this folder on an emulated host: all of them, or those tests whose name begins with
# a NAME, or with "matrix" as the first the requests of the matrix that are named. Prints what fails or is skipped, and the counts. Exit status 1 if
# something failed. CPU=svm|vmx|svm-nrips (svm), KERNEL=6.1|6.12|debug (6.1).
set -eu
cd "$(dirname "$0")/../.."
verbose=
[ "${1-}" != -v ] || { verbose=-v; shift; }
make -s -C tests/conformance
log=$(mktemp)
trap 'rm -f "$log"' EXIT
status=0
{
	[ $# -gt 0 ] || python3 tests/conformance/coverage.py
	# shellcheck disable=SC2016 # for the shell there
	scripts/emuhost --cpu "${CPU:-svm}" --kernel "${KERNEL:-6.1}" --smp 2 --timeout "${TIMEOUT:-900}" -- \
		sh -c 'tests/conformance/on-host "$@"' on-host ${verbose:+"$verbose"} "$@"
} >"$log" 2>&1 || status=$?
# Every part closes with its counts; the last line is their sum.
awk -v status=$status '
/^[0-9]+ passed, [0-9]+ failed(, [0-9]+ skipped)?$/ { passed += $1; failed += $3; skipped += $5; parts++; next }
/^ok / { if (!verbose) next }
{ print }
END {
	if (status != 0 && failed == 0) { print "not ok: status " status; failed++ }
	printf "%d passed, %d failed", passed, failed
	if (skipped) printf ", %d skipped", skipped
	print ""
	exit failed != 0 || parts == 0
}' verbose=$verbose "$log"
