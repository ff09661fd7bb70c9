# shellcheck shell=sh
# SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
#
# For the tests of this folder, which run on an emulated host in the checkout's folder, module not loaded: one function a test, named test_...,
# and at the end `run_tests "$@"`. A test fails by calling `fail REASON`, or by leaving the module loaded.

sysctls=/proc/sys/hw/vmm

fail()
{
	reason=$*
	printf '%s\n' "$reason" >&3
	exit 1
}

skip()
{
	printf '%s\n' "$*" >&3
	exit 77
}

# note TEXT...: figures that are shown with the test's name when it passes
note() { printf '%s\n' "$*" >&3; }

# must COMMAND...: which has to work
must()
{
	output=$("$@" 2>&1) || fail "$*: status $?: $output"
}

# must_not COMMAND...: which has to fail
must_not()
{
	! output=$("$@" 2>&1) || fail "$* has worked: $output"
}

load() { must insmod ./vmm.ko; }
load_with() { must insmod ./vmm.ko "$@"; }
unload() { must rmmod vmm; }
loaded() { [ -e /sys/module/vmm ]; }
node() { [ -c "/dev/vmm/$1" ]; }

# write FILE TEXT: in one piece; the error's text on stderr
write() { printf '%s' "$2" | dd of="$1" bs=4096 status=none; }
vm_create() { must write $sysctls/create "$1"; }
vm_destroy() { must write $sysctls/destroy "$1"; }

# log_mark; ... ; log_has PATTERN: in the kernel's log since
log_mark() { log_lines=$(dmesg | wc -l); }
log_has() { dmesg | tail -n "+$((log_lines + 1))" | grep -q -- "$1"; }

# within SECONDS COMMAND...
within()
{
	tries=$(($1 * 20))
	shift
	until "$@"; do
		tries=$((tries - 1))
		[ $tries -gt 0 ] || return 1
		sleep 0.05
	done
}

# one_test FUNCTION: in a subshell, the reason of its failure, or its notes, on stdout
one_test()
{
	(
		exec 3>&1 >/dev/null
		"$1"
		if loaded; then fail "the module is still loaded"; fi
	)
}

# What a failed test may have left.
clean_up()
{
	for machine in /dev/vmm/*; do
		[ ! -c "$machine" ] || write $sysctls/destroy "${machine#/dev/vmm/}" 2>/dev/null || true
	done
	! loaded || rmmod vmm 2>/dev/null || true
	rmmod kvm_amd kvm_intel 2>/dev/null || true
	rmmod kvm 2>/dev/null || true
}

# run_tests [-l] [NAME...]
run_tests()
{
	tests=$(sed -n 's/^test_\([a-z0-9_]*\)().*$/\1/p' "$0")
	[ "${1-}" != -l ] || { printf '%s\n' "$tests"; exit 0; }
	# shellcheck disable=SC2086 # words
	[ $# -gt 0 ] || set -- $tests
	passed=0 failed=0 skipped=0
	for test; do
		status=0
		reason=$(one_test "test_$test" 2>/dev/null) || status=$?
		case $status in
		0) echo "ok $test${reason:+: $reason}"; passed=$((passed + 1)) ;;
		77) echo "skip $test: $reason"; skipped=$((skipped + 1)) ;;
		*) echo "not ok $test: ${reason:-status $status}"; failed=$((failed + 1)) ;;
		esac
		clean_up
	done
	if [ $skipped = 0 ]; then
		echo "$passed passed, $failed failed"
	else
		echo "$passed passed, $failed failed, $skipped skipped"
	fi
	[ $failed = 0 ]
}
