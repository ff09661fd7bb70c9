# shellcheck shell=sh disable=SC2034 # variables are read by those who source this
# SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
#
# What the scripts here share. Sourced, after `set -eu`, with $0 naming the script:
#   . "$(dirname "$0")/lib.sh"

me=${0##*/}
root=$(cd "$(dirname "$0")" && pwd -P)
while [ ! -e "$root/scripts/lib.sh" ]; do
	root=${root%/*}
done
# Big and slow to make, and the same for every checkout: kernels, initial RAM disks, the debug kernel.
cache=${VMM_CACHE:-${XDG_CACHE_HOME:-${HOME:-/root}/.cache}/vmm-linux}

say()
{
	printf '%s: %s\n' "$me" "$*" >&2
}

# die STATUS MESSAGE...
die()
{
	die_status=$1
	shift
	say "$@"
	exit "$die_status"
}

# usage: the script's opening comment, from its fourth line (after the interpreter and the licence) to the first line
# that is none.
usage()
{
	sed -n '4,${ /^#/!q; s/^# \{0,1\}//p; }' "$0"
}

# run_logged LOG MESSAGE COMMAND...: the command's output to LOG, shown only when it fails; MESSAGE says what goes on.
run_logged()
{
	run_log=$1
	say "$2"
	shift 2
	"$@" >"$run_log" 2>&1 || {
		run_status=$?
		tail -n 40 "$run_log" >&2
		say "failed, with status $run_status: $*"
		return "$run_status"
	}
}
