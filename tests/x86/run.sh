#!/bin/sh
# SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
#
# Test the instruction decoder and emulator of src/x86/ in user space, under the address and
# undefined-behaviour sanitizers: the KUnit suites; lengths and operands against Zydis; effects
# against Unicorn and against this processor; and, with clang, libFuzzer. Ends with
# "N passed, N failed".
#
# CC		compiler (gcc)
# CLANG		compiler that has libFuzzer (clang; "none": no fuzzing)
# SEED		of the random parts (1)
# SCALE		percent of the usual number of random trials, which take about a minute (100)
# ORACLES	what to compare effects with ("unicorn native")
#
# Needs libzydis-dev and libunicorn-dev.

set -u
here=$(cd "$(dirname "$0")" && pwd)
top=$(cd "$here/../.." && pwd)
: "${CC:=gcc}" "${CLANG:=clang}" "${SEED:=1}" "${SCALE:=100}" "${ORACLES:=unicorn native}"
tmp=$(mktemp -d) || exit 1
trap 'rm -rf "$tmp"' EXIT
trap 'exit 1' HUP INT TERM
passed=0
failed=0

flags="-std=gnu11 -O1 -g -Wall -Wextra -Wno-unused-parameter -Wno-sign-compare
	-fsanitize=address,undefined -fno-sanitize-recover=undefined
	-I$here/include -I$here -I$top/uapi -I$top/src/x86"
decode="$top/src/x86/decode.c $top/src/x86/decode_table.c"
emulate="$decode $top/src/x86/alu.c $top/src/x86/emulate.c"

# Unicorn keeps what it has allocated.
export ASAN_OPTIONS=detect_leaks=0

for header in Zydis/Zydis.h unicorn/unicorn.h; do
	if ! echo "#include <$header>" | "$CC" -E - >/dev/null 2>&1; then
		echo "x86: no <$header>: install libzydis-dev and libunicorn-dev" >&2
		exit 1
	fi
done

# build NAME SOURCE...
build() {
	name=$1
	shift
	# shellcheck disable=SC2086	# lists
	"$CC" $flags "$@" -o "$tmp/$name" -lZydis -lunicorn || exit 1
}

# run LABEL COMMAND...: its last line is a tally. A crash is one failure.
run() {
	label=$1
	shift
	"$@" >"$tmp/log" 2>&1
	status=$?
	tally=$(tail -n 1 "$tmp/log" | grep -E '^[0-9]+ passed, [0-9]+ failed$')
	if [ -z "$tally" ]; then
		cat "$tmp/log"
		echo "$label: ended with status $status"
		failed=$((failed + 1))
		return
	fi
	sed '$d' "$tmp/log"
	echo "$label: $tally"
	passed=$((passed + ${tally%% passed*}))
	tally=${tally#* passed, }
	failed=$((failed + ${tally%% failed}))
}

# At least 1: to libFuzzer 0 is for ever.
scaled() {
	echo $((($1 * SCALE + 99) / 100))
}

# shellcheck disable=SC2086	# lists
{
	build suites "$here/suites.c" "$top/kunit/decode_test.c" "$top/kunit/emulate_test.c" $emulate
	build length_diff "$here/length_diff.c" $decode
	build operand_diff "$here/operand_diff.c" $decode
	build emulate_diff "$here/emulate_diff.c" "$here/vcpu.c" "$here/unicorn_oracle.c" \
		"$here/native_oracle.c" $emulate
}

run suites "$tmp/suites"
run "lengths against Zydis" "$tmp/length_diff" "$(scaled 150)" "$SEED"
run "operands against Zydis" "$tmp/operand_diff" "$(scaled 100)" "$SEED"
for oracle in $ORACLES; do
	batches=500
	[ "$oracle" = unicorn ] || batches=2000
	run "effects against $oracle" "$tmp/emulate_diff" "$(scaled $batches)" "$SEED" "$oracle"
done

# fuzz RUNS: one check
fuzz() {
	# shellcheck disable=SC2086	# lists
	if ! "$CLANG" $flags -fsanitize=fuzzer "$here/fuzz.c" "$here/vcpu.c" $emulate \
		-o "$tmp/fuzz" 2>"$tmp/log"; then
		echo "fuzz: $CLANG cannot build it: skipped (CLANG= names another compiler)"
		return
	fi
	if "$tmp/fuzz" -seed="$SEED" -runs="$1" -max_len=80 -artifact_prefix="$tmp/" \
		>"$tmp/log" 2>&1; then
		tail -n 1 "$tmp/log"
		passed=$((passed + 1))
	else
		tail -n 60 "$tmp/log"
		failed=$((failed + 1))
	fi
}
[ "$CLANG" = none ] || fuzz "$(scaled 2000000)"

echo "$passed passed, $failed failed"
[ "$failed" -eq 0 ]
