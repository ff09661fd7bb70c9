#!/bin/sh
# SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
#
# bench/run.sh [OPERATION]...
#
# Measures KVM and vmm in one emulated host that counts instructions, one after the other, and prints the table. All operations,
# unless some are named (bench/ops.h, and grow, create, destroy, syscall, kernel_memory). In build/bench: results.tsv, growth.tsv,
# plot.svg, growth.svg and, but for Bochs, profile.txt (by function) and counts (every window).
#
#   KERNEL=6.1|6.12    the host's kernel (6.12)
#   CPU=svm|vmx        the host's processor (svm); vmx is Bochs's, whose TSC counts instructions; it has no plugin to tell kinds apart
#   AGAINST=FILE       results of before: fails where vmm has come to need over 5 % more
#   GUEST=6.1|6.12     the kernel that is booted on both (6.1)
#   INTO=FILE          put the results into FILE, in place of those that it has of such a host, and the plots beside it
#   TIMEOUT=S          seconds for the emulated host (1800)
set -eu
# shellcheck source=scripts/lib.sh
. "$(dirname "$0")/../scripts/lib.sh"
cd "$root"
kernel=${KERNEL:-6.12} cpu=${CPU:-svm}
out=build/bench
command -v gnuplot >/dev/null || scripts/setup --bench || true
[ -z "${AGAINST:-}" ] || [ -e "$AGAINST" ] ||
	die 1 "no $AGAINST to compare with: run make bench, and copy build/bench/results.tsv there"

make -s -C bench
vmlinuz=$(scripts/kernel-image --with-headers "$kernel") || die 1 "no kernel to boot"
release=${vmlinuz##*/vmlinuz-}
floor=$out/floor-$release
mkdir -p "$floor"
ln -sf "$root"/bench/floor/* "$floor/"
run_logged "$floor/build.log" "building vmm-floor.ko for $release" \
	make -s -C "${vmlinuz%/boot/*}/lib/modules/$release/build" M="$root/$floor" EXTRA_CFLAGS= modules

# The emulated host has a copy of what is here, and what of the last run is left would move what it loads.
rm -f $out/counts $out/stdout $out/symbols $out/*.tsv $out/*.txt $out/plot.* $out/growth.*
case $cpu in
svm)
	plugin="--plugin $root/$out/count.so,out=$root/$out/counts"
	# Only the plugin can tell the host's instructions from those of a guest that boots.
	BENCH_KERNEL=$(scripts/kernel-image "${GUEST:-6.1}") BENCH_INITRD=$root/$out/initrd SYMBOLS=y
	cat $out/init.cpio "$(scripts/guest-initramfs)" >"$BENCH_INITRD"
	export BENCH_KERNEL BENCH_INITRD SYMBOLS
	;;
*)
	plugin=''
	# There KVM hangs where two vCPUs run, and makes no more than one; a destruction's ticks are those of its waiting; a boot's
	# are mostly the guest's.
	# shellcheck disable=SC2046 # words
	[ $# -gt 0 ] || set -- $($out/bench list | grep -vE '^(grow|ipi_.*|destroy|boot)$')
	;;
esac
# shellcheck disable=SC2086 # words
scripts/emuhost --cpu "$cpu" --kernel "$kernel" --icount $plugin \
	--smp 2 --append nokaslr --timeout "${TIMEOUT:-1800}" ${EMUHOST_OPTIONS:-} \
	${BENCH_KERNEL:+--file "$BENCH_KERNEL"} -- sh bench/inside.sh "$out/bench" "$floor/vmm-floor.ko" "$@" >$out/stdout
[ -z "$plugin" ] ||
	sed -n '/^begin symbols/,/^end symbols/p' $out/stdout | sed '1d;$d' | base64 -d | gzip -dc >$out/symbols
echo "KVM beside vmm, $cpu, Linux $release"
exec python3 bench/report.py $out "$cpu-$kernel" ${AGAINST:+--against "$AGAINST"} ${INTO:+--into "$INTO"}
