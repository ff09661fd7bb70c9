#!/bin/sh
# SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
#
# vmmctl on machines that live: what it shows, and that the guest does not notice. tests/host/t_vmmctl.sh [-l] [NAME...]
# shellcheck source=tests/host/lib.sh
. "$(dirname "$0")/lib.sh"

vmmctl=build/tools/vmmctl/vmmctl
counting=

# count_start NAME CPUS; count_end NAME: destroys it, and its process must end well
count_start()
{
	build/tests/count-guest "$1" "$2" >/tmp/count.out 2>/tmp/count.err &
	counting=$!
	within 20 grep -q running /tmp/count.out || fail "no guest that counts: $(cat /tmp/count.err)"
}

count_end()
{
	must $vmmctl --vm="$1" --destroy
	status=0
	wait $counting || status=$?
	[ $status = 0 ] || fail "the guest's process ended with $status: $(cat /tmp/count.err)"
}

setpriv_nobody() { setpriv --reuid 65534 --regid 65534 --clear-groups "$@"; }

# counter NAME CPU: as it stands
counter() { dd if="/dev/vmm/$1" bs=4 skip=$((2048 + $2)) count=1 status=none | od -An -tu4 | tr -d ' '; }

# counter_moves NAME CPU: it is another number within five seconds
counter_moves()
{
	before=$(counter "$1" "$2")
	for _ in $(seq 100); do
		[ "$(counter "$1" "$2")" = "$before" ] || return 0
		sleep 0.05
	done
	fail "vCPU $2 does not count any more, at $before"
}

# json EXPRESSION: of the document d on stdin
json() { python3 -c 'import json, sys; d = json.load(sys.stdin); print(eval(sys.argv[1]))' "$1"; }

# says STATUS WORDS ARGUMENT...: vmmctl ends so, with these words on stderr
says()
{
	want=$1 words=$2
	shift 2
	status=0
	$vmmctl "$@" >/dev/null 2>/tmp/says || status=$?
	[ $status = "$want" ] || fail "vmmctl $*: status $status: $(cat /tmp/says)"
	[ -z "$words" ] || grep -q -- "$words" /tmp/says || fail "vmmctl $*: $(cat /tmp/says)"
}

test_create_list_destroy()
{
	load
	must $vmmctl --vm=a --create
	must $vmmctl --vm=b --create --set-mem=16 --activate-cpu
	$vmmctl list | grep -Eq '^a +new +0 +0 MiB$' || fail "$($vmmctl list)"
	$vmmctl list | grep -Eq '^b +active +1 +16 MiB$' || fail "$($vmmctl list)"
	[ "$($vmmctl list --json | json '[m["name"] for m in d["machines"]]')" = "['a', 'b']" ] || fail "$($vmmctl list --json)"
	[ "$($vmmctl list --json | json 'd["machines"][1]["segment_bytes"]')" = 16777216 ] || fail "$($vmmctl list --json)"
	must $vmmctl --vm=a --destroy
	must $vmmctl --vm=b --destroy
	[ "$($vmmctl list | wc -l)" = 1 ] || fail "machines are left: $($vmmctl list)"
	[ "$($vmmctl --list --json | json 'len(d["machines"])')" = 0 ] || fail "$($vmmctl list --json)"
	unload
}

test_messages()
{
	says 1 'modprobe vmm' --vm=a --create
	says 1 'modprobe vmm' --vm=a --get-all
	load
	says 1 'there is no machine called a. "vmmctl list" lists them' --vm=a --get-all
	says 1 'there is no machine called a' --vm=a --destroy
	says 0 '' --vm=a --create
	says 1 'there is a machine called a already' --vm=a --create
	says 1 'cannot have white space' --vm=../vmmctl --get-all
	says 1 "there is no vCPU 1023: the machine a can have 0 to $(($(nproc) - 1))" --vm=a --cpu=1023 --get-rax
	says 1 '(--activate-cpu)' --vm=a --run
	says 1 'unassign-pptdev=1/2' --vm=a --unassign-pptdev=1/2
	says 1 'hold addresses of the host' --vm=a --get-host-rip
	must write $sysctls/maxvmms 1
	says 1 'hw.vmm.maxvmms' --vm=b --create
	chmod 666 /dev/vmm/a
	must setpriv_nobody $vmmctl --vm=a --get-rax
	must_not setpriv_nobody $vmmctl --vm=a --destroy
	printf '%s' "$output" | grep -q 'only its owner and root' || fail "$output"
	chmod 600 /dev/vmm/a
	must_not setpriv_nobody $vmmctl --vm=a --get-rax
	printf '%s' "$output" | grep -q 'belongs to uid 0' || fail "$output"
	must_not setpriv_nobody $vmmctl --vm=c --create
	printf '%s' "$output" | grep -q 'usermod -aG vmm' || fail "$output"
	setpriv_nobody $vmmctl list | grep -Eq '^a +\? ' || fail "$(setpriv_nobody $vmmctl list)"
	says 0 '' --vm=a --destroy
	unload
}

# Every option that shows something works on a machine that has just been made.
test_every_getter()
{
	load
	must $vmmctl --vm=a --create --set-mem=8
	$vmmctl --help | tr ' ' '\n' | sed -n 's/^--\(get[a-z0-9-]*\)$/\1/p' | sort -u >/tmp/getters
	[ "$(wc -l </tmp/getters)" -ge 110 ] || fail "only $(wc -l </tmp/getters) options that show something"
	while read -r getter; do
		arguments="--vm=a --$getter --rtc-nvram-offset=16"
		# shellcheck disable=SC2086 # words
		if $vmmctl $arguments >/tmp/text 2>/tmp/says; then
			[ -s /tmp/text ] || fail "--$getter shows nothing"
		else
			# Not of this processor, or not to be told: in words.
			grep -Eq 'does not have it|hold addresses of the host' /tmp/says || fail "--$getter: $(cat /tmp/says)"
		fi
	done </tmp/getters
	must $vmmctl --vm=a --destroy
	unload
}

test_setters()
{
	load
	must $vmmctl --vm=a --create
	for register in rax r15 rip rsp dr0 cr2; do
		must $vmmctl --vm=a --set-$register=0x123456789abc
		[ "$($vmmctl --vm=a --get-$register --json | json "d['registers']['$register']")" = 0x0000123456789abc ] || fail "$register"
	done
	must $vmmctl --vm=a --set-cs=0xf000 --set-desc-cs --desc-base=0xffff0000 --desc-limit=0xffff --desc-access=0x9b
	$vmmctl --vm=a --get-desc-cs | grep -q '0x00000000ffff0000/0x0000ffff/0x0000009b' || fail "$($vmmctl --vm=a --get-desc-cs)"
	must $vmmctl --vm=a --set-gdtr --desc-base=0x5000 --desc-limit=0x27
	$vmmctl --vm=a --get-gdtr | grep -q '0x0000000000005000/0x00000027' || fail "$($vmmctl --vm=a --get-gdtr)"
	must $vmmctl --vm=a --capname=hlt_exit --setcap=1
	$vmmctl --vm=a --capname=hlt_exit --getcap | grep -q 'is set' || fail "$($vmmctl --vm=a --capname=hlt_exit --getcap)"
	must $vmmctl --vm=a --set-x2apic-state=1
	$vmmctl --vm=a --get-x2apic-state | grep -q '1$' || fail "$($vmmctl --vm=a --get-x2apic-state)"
	must $vmmctl --vm=a --set-rtc-time=1000000000
	$vmmctl --vm=a --get-rtc-time | grep -q '2001-09-09 01:46:4' || fail "$($vmmctl --vm=a --get-rtc-time)"
	must $vmmctl --vm=a --rtc-nvram-offset=0x5b --set-rtc-nvram=0xa5
	$vmmctl --vm=a --rtc-nvram-offset=0x5b --get-rtc-nvram | grep -q 0xa5 || fail "$($vmmctl --vm=a --rtc-nvram-offset=0x5b --get-rtc-nvram)"
	must $vmmctl --vm=a --set-mem=16
	$vmmctl --vm=a --get-lowmem | grep -q '0x0000000000000000/16777216' || fail "$($vmmctl --vm=a --get-lowmem)"
	must $vmmctl --vm=a --inject-nmi --assert-lapic-lvt=0
	must $vmmctl --vm=a --force-poweroff
	says 1 'stopping already' --vm=a --force-reset
	must $vmmctl --vm=a --destroy
	unload
}

# One instruction by hand: HLT without HALT_EXIT set is none of ours, OUT leaves.
test_run()
{
	load
	must $vmmctl --vm=a --create --set-mem=8 --activate-cpu
	# out 0x42 is the kernel's; out 0x80, al is not.
	printf '\346\200' | dd of=/dev/vmm/a bs=1 seek=4096 conv=notrunc status=none || fail "writing the code"
	must $vmmctl --vm=a --capname=unrestricted_guest --setcap=1
	must $vmmctl --vm=a --set-cr0=0x60000010 --set-rflags=2 --set-rip=0x1000 --set-rax=0x5a
	for segment in cs:0x9b ds:0x93 es:0x93 fs:0x93 gs:0x93 ss:0x93 tr:0x8b ldtr:0x82; do
		must $vmmctl --vm=a --set-desc-${segment%:*} --desc-base=0 --desc-limit=0xffff --desc-access=${segment#*:} \
			--set-${segment%:*}=0
	done
	for _ in 1 2 3 4 5; do
		answer=$($vmmctl --vm=a --run) || fail "--run: $answer"
		case $answer in
		*bogus*) continue ;;
		esac
		break
	done
	case $answer in
	*"inout (0), rip 0x0000000000001000, inst_length 2, out port 0x80, 1 bytes, eax 0x5a"*) ;;
	*) fail "$answer" ;;
	esac
	must $vmmctl --vm=a --destroy
	unload
}

# look NAME CPU: all there is to know, and all of it is there
look()
{
	$vmmctl --vm="$1" --cpu="$2" --get-all >/tmp/all 2>/tmp/says || fail "vCPU $2: $(cat /tmp/says)"
	[ "$(wc -l </tmp/all)" -ge 110 ] || fail "vCPU $2: only $(wc -l </tmp/all) lines"
}

# The guest counts on while everything about it is read a hundred times. One vCPU, and two host CPUs: the other one is for looking.
test_get_all_does_not_disturb()
{
	load
	count_start guest 1
	counter_moves guest 0
	for round in $(seq 100); do
		look guest 0
		[ $((round % 10)) != 0 ] || counter_moves guest 0
	done
	kill -0 $counting || fail "the guest has gone: $(cat /tmp/count.err)"
	count_end guest
	unload
}

# The same where the vCPUs leave no host CPU free, a few times.
test_get_all_on_a_busy_host()
{
	load
	count_start guest "$(nproc)"
	last=$(($(nproc) - 1))
	for cpu in 0 $last 0 $last; do
		look guest "$cpu"
		counter_moves guest "$cpu"
	done
	$vmmctl --vm=guest --get-all --json >/tmp/all.json || fail "--json"
	[ "$(json 'd["active_cpus"] == list(range(d["cpu_topology"]["maxcpus"]))' </tmp/all.json)" = True ] || fail "active: $(json 'd["active_cpus"]' </tmp/all.json)"
	[ "$(json 'd["suspended_cpus"] + d["debug_cpus"]' </tmp/all.json)" = '[]' ] || fail "suspended or held vCPUs"
	[ "$(json 'd["registers"]["rbx"]' </tmp/all.json)" = 0x0000000000002000 ] || fail "RBX is $(json 'd["registers"]["rbx"]' </tmp/all.json)"
	case $(json 'd["registers"]["rip"]' </tmp/all.json) in
	0x0000000000001000 | 0x0000000000001003) ;;
	*) fail "RIP is $(json 'd["registers"]["rip"]' </tmp/all.json)" ;;
	esac
	count_end guest
	unload
}

# Statistics are read without making the vCPU leave the guest, and they grow.
test_get_stats_does_not_disturb()
{
	load
	count_start guest 1
	# VM_STATS freezes nothing: the number of exits on an ioctl's behalf stays.
	idle=$($vmmctl --vm=guest --get-stats --json | json 'd["stats"]["number of times idle was requested at entry"]')
	runtime=$($vmmctl --vm=guest --get-stats --json | json 'd["stats"]["vcpu total runtime"]')
	for _ in $(seq 100); do
		$vmmctl --vm=guest --get-stats >/tmp/stats || fail "--get-stats"
	done
	[ "$($vmmctl --vm=guest --get-stats --json | json 'd["stats"]["number of times idle was requested at entry"]')" = "$idle" ] ||
		fail "reading statistics made the vCPU leave"
	[ "$($vmmctl --vm=guest --get-stats --json | json 'd["stats"]["vcpu total runtime"]')" -gt "$runtime" ] || fail "the runtime does not grow"
	counter_moves guest 0
	[ "$($vmmctl --vm=guest --get-stats --json | json 'd["stats"]["Resident memory"]')" -ge 8192 ] || fail "no resident memory"
	count_end guest
	unload
}

# Every statistic of the table is there by its description, and index by index.
test_statistics_of_the_table()
{
	load
	must $vmmctl --vm=a --create
	$vmmctl --vm=a --get-stats --json >/tmp/stats.json || fail "--get-stats"
	elements=$(awk -F '\t' 'NR > 1 { n += $4 } END { print n }' tests/abi/tables/stats.tsv)
	[ "$(json 'len(d["stats"])' </tmp/stats.json)" = "$elements" ] || fail "$(json 'len(d["stats"])' </tmp/stats.json) statistics, the table has $elements"
	[ "$(json 'max(d["stats"][k] for k in d["stats"] if "emory" not in k)' </tmp/stats.json)" = 0 ] || fail "a new vCPU has counted"
	sed -n 's/.*(description: \(.*\)).*/\1/p' tests/abi/tables/stats.tsv | while read -r description; do
		grep -q "\"$description\"" /tmp/stats.json || fail "no statistic \"$description\""
	done || exit 1
	for entry in 0 6; do
		[ "$(json "[k for k in d['stats'] if k.endswith('[$entry]')] != []" </tmp/stats.json)" = True ] || fail "no element $entry of an array"
	done
	must $vmmctl --vm=a --destroy
	unload
}

test_force_reset_and_poweroff()
{
	load
	for how in reset poweroff; do
		count_start guest 1
		must $vmmctl --vm=guest --force-$how
		status=0
		wait $counting || status=$?
		[ $status = 0 ] || fail "--force-$how: $(cat /tmp/count.err)"
		[ "$($vmmctl --vm=guest --get-suspended-cpus --json | json 'd["suspended_cpus"]')" = '[0]' ] || fail "not suspended"
		$vmmctl list | grep -Eq '^guest +stopped' || fail "$($vmmctl list)"
		must $vmmctl --vm=guest --destroy
	done
	unload
}

test_pause_and_resume()
{
	load
	count_start guest 2
	counter_moves guest 1
	must $vmmctl --vm=guest --pause
	says 1 'paused already' --vm=guest --pause
	$vmmctl list | grep -Eq '^guest +paused' || fail "$($vmmctl list)"
	before=$(counter guest 0).$(counter guest 1)
	sleep 1
	[ "$(counter guest 0).$(counter guest 1)" = "$before" ] || fail "counts in a pause"
	must $vmmctl --vm=guest --get-all
	must $vmmctl --vm=guest --resume
	says 1 'is not paused' --vm=guest --resume
	counter_moves guest 0
	counter_moves guest 1
	count_end guest
	unload
}

# The machine goes while it is being looked at: an error in words, never a hang or a crash.
test_destroy_under_get_all()
{
	load
	for _ in $(seq 5); do
		count_start guest 1
		for _ in 1 2; do
			(while $vmmctl --vm=guest --get-all >/dev/null 2>>/tmp/looks; do :; done) &
		done
		sleep 0.3
		count_end guest
		wait
	done
	bad=$(grep -Ev 'destroyed|no machine called' /tmp/looks || true)
	[ -z "$bad" ] || fail "$bad"
	unload
}

test_output_that_cannot_be_written()
{
	load
	must $vmmctl --vm=a --create
	must_not sh -c "$vmmctl --vm=a --get-all >/dev/full"
	printf '%s' "$output" | grep -q 'cannot write the answer' || fail "$output"
	must $vmmctl --vm=a --destroy
	unload
}

run_tests "$@"
