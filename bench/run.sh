#!/bin/sh
# SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
#
# bench/run.sh [OPERATION]...
#
# Measures KVM and vmm in one emulated host that counts instructions, one after the other, and prints the table. All operations,
# unless some are named (bench/ops.h, and grow, create, destroy, syscall, kernel_memory). In build/bench: results.tsv, growth.tsv,
# plot.svg, growth.svg, profile.txt (by function), and counts (every window, for vmx some).
#
#   KERNEL=6.1|6.12    the host's kernel (6.12)
#   CPU=svm|vmx        the host's processor (svm); vmx is Bochs's, whose debugger writes down what is executed, and whose TSC counts where that
#                      would be too much: of 2 MiB, and of a boot, for which it counts the guest's instructions as well
#   AGAINST=FILE       results of before: fails where vmm has come to need over 5 % more
#   GUEST=6.1|6.12     the kernel that is booted on both (6.1)
#   INTO=FILE          put the results into FILE, in place of those that it has of such a host, and the plots beside it
#   TIMEOUT=S          seconds for the emulated host (1800)
#   OPERATION_TIMEOUT=S  of its own seconds, for an operation (300, for vmx 20, for its seconds are long)
set -eu
# shellcheck source=scripts/lib.sh
. "$(dirname "$0")/../scripts/lib.sh"
cd "$root"
PATH=$PATH:/usr/sbin:/sbin
kernel=${KERNEL:-6.12} cpu=${CPU:-svm}
out=build/bench
command -v gnuplot >/dev/null || scripts/setup --bench || true
[ -z "${AGAINST:-}" ] || [ -e "$AGAINST" ] ||
	die 1 "no $AGAINST to compare with: run make bench, and copy build/bench/results.tsv there"

make -s -C bench
BENCH_KERNEL=$(scripts/kernel-image "${GUEST:-6.1}") BENCH_INITRD=$root/$out/initrd
cat $out/init.cpio "$(scripts/guest-initramfs)" >"$BENCH_INITRD"
export BENCH_KERNEL BENCH_INITRD
if [ "$cpu" != svm ]; then
	# Unpacking the kernel would be most of the guest's instructions there, and trying out ciphers most of the rest.
	vmlinuz=$BENCH_KERNEL release=${BENCH_KERNEL##*/vmlinuz-}
	# shellcheck source=scripts/emuhost.d/bochs
	. scripts/emuhost.d/bochs
	kernel_image
	BENCH_IMAGE=$kernel_image/memory BENCH_PLACE=$(cat "$kernel_image/place")
	BENCH_APPEND='cryptomgr.notests initcall_blacklist=jent_mod_init,init_encrypted,crypto_kdf108_init'
	export BENCH_IMAGE BENCH_PLACE BENCH_APPEND
fi
vmlinuz=$(scripts/kernel-image --with-headers "$kernel") || die 1 "no kernel to boot"
release=${vmlinuz##*/vmlinuz-}
floor=$out/floor-$release
mkdir -p "$floor"
ln -sf "$root"/bench/floor/* "$floor/"
run_logged "$floor/build.log" "building vmm-floor.ko for $release" \
	make -s -C "${vmlinuz%/boot/*}/lib/modules/$release/build" M="$root/$floor" EXTRA_CFLAGS= modules

# The emulated host has a copy of what is here, and what of the last run is left would move what it loads.
rm -f $out/counts $out/trace $out/stdout $out/symbols $out/*.tsv $out/*.txt $out/plot.* $out/growth.*
case $cpu in
svm)
	counted="--plugin $root/$out/count.so,out=$root/$out/counts" SYMBOLS=y
	export SYMBOLS
	;;
*)
	counted="--trace $root/$out/trace" OPERATION_TIMEOUT=${OPERATION_TIMEOUT:-20}
	export OPERATION_TIMEOUT
	# The curves would take longer than all the rest.
	# shellcheck disable=SC2046 # words
	[ $# -gt 0 ] || set -- $($out/bench list | grep -v '^grow$')
	;;
esac
# What SYMBOLS would have said: the kernel's are the same in an emulator that is quicker, the modules' where their sections are.
symbols()
{
	# shellcheck disable=SC2016 # awk's
	scripts/emuhost --cpu svm --kernel "$kernel" --no-build --append nokaslr -- \
		awk 'NF == 3 && $2 ~ /[tTwW]/ { print "-", $1, $3 }' /proc/kallsyms
	grep '^section' $out/stdout | while read -r _ host module section address; do
		file=vmm.ko
		[ "$module" = vmm ] || file=$(modinfo -F filename -b "${vmlinuz%/boot/*}" -k "$release" "$module")
		case $file in
		*.xz) xz -dc "$file" >$out/module.ko && file=$out/module.ko ;;
		esac
		LC_ALL=C objdump -t "$file" | awk -v section="$section" -v where="$host $address" -v module="[$module]" '
			NF > 4 && $(NF - 2) == section && / F / { print where "+" $1, $NF, module }'
	done
}
# shellcheck disable=SC2086 # words
scripts/emuhost --cpu "$cpu" --kernel "$kernel" --icount $counted \
	--smp 2 --append nokaslr --timeout "${TIMEOUT:-1800}" ${EMUHOST_OPTIONS:-} \
	--file "$BENCH_KERNEL" ${BENCH_IMAGE:+--file "$BENCH_IMAGE"} -- sh bench/inside.sh "$out/bench" "$floor/vmm-floor.ko" "$@" >$out/stdout
if [ -e $out/trace ]; then
	python3 bench/trace_windows.py $out/trace >$out/counts
	rm $out/trace
fi
if [ -n "${SYMBOLS:-}" ]; then
	sed -n '/^begin symbols/,/^end symbols/p' $out/stdout | sed '1d;$d' | base64 -d | gzip -dc
else
	symbols
fi >$out/symbols
echo "KVM beside vmm, $cpu, Linux $release"
exec python3 bench/report.py $out "$cpu-$kernel" ${AGAINST:+--against "$AGAINST"} ${INTO:+--into "$INTO"}
