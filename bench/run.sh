#!/bin/sh
# SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
#
# bench/run.sh [OPERATION]...
#
# Measures KVM and vmm in one emulated host that counts instructions, one after the other, and prints the table. All operations,
# unless some are named (bench/ops.h). In build/bench: results.tsv, profile.txt, plot.svg, counts (every window).
#
#   KERNEL=6.1|6.12    the host's kernel (6.12)
#   CPU=svm            the host's processor (svm)
#   AGAINST=FILE       results of before: fails where vmm has come to need over 5 % more
#   TIMEOUT=S          seconds for the emulated host (1800)
set -eu
# shellcheck source=scripts/lib.sh
. "$(dirname "$0")/../scripts/lib.sh"
cd "$root"
kernel=${KERNEL:-6.12}
out=build/bench
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

rm -f $out/counts $out/stdout
# shellcheck disable=SC2086 # words
scripts/emuhost --cpu "${CPU:-svm}" --kernel "$kernel" --icount --plugin "$root/$out/count.so,out=$root/$out/counts" \
	--smp 2 --append nokaslr --timeout "${TIMEOUT:-1800}" ${EMUHOST_OPTIONS:-} -- \
	sh bench/inside.sh "$out/bench" "$floor/vmm-floor.ko" "$@" >$out/stdout
sed -n '/^begin symbols/,/^end symbols/p' $out/stdout | sed '1d;$d' | base64 -d | gzip -dc >$out/symbols
echo "KVM beside vmm, ${CPU:-svm}, Linux $release"
exec python3 bench/report.py $out ${AGAINST:+--against "$AGAINST"}
