#!/bin/sh
# SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
#
# tests/ppt/run.sh [PART]...
#
# Passthrough on emulated hosts. KERNEL=6.1|6.12 (6.1): the host's, GUEST=6.1|6.12 (6.1): the guests'. Parts, all of them by default:
# intel, amd (with interrupt remapping), intel-guest, amd-guest, intel-noir, amd-noir, none, intel-boot, amd-boot. After
# the first four, tests may be named: amd-guest:three_devices_by_msix. Ends with "N passed, N failed[, N skipped]".
set -eu
cd "$(dirname "$0")/../.."
kernel=${KERNEL:-6.1}
make -s tools
make -s -C tests/ppt
VMLINUZ=$(scripts/kernel-image "${GUEST:-6.1}")
INITRAMFS=$(tests/ppt/guest-initramfs "$VMLINUZ")
export VMLINUZ INITRAMFS
log=$(mktemp)
trap 'rm -f "$log"' EXIT

# QEMU 7.2's AMD-Vi does not tell devices behind bridges apart: there, they are on the root bus.
ports='--device pcie-root-port,id=rp1,chassis=1,slot=1,addr=1c --device pcie-root-port,id=rp2,chassis=2,slot=2,addr=1d'
edus='--device edu,bus=rp1,dma_mask=0xffffffffffff --device edu,bus=rp2,dma_mask=0xffffffffffff --device edu,addr=b'
edus_amd='--device edu,addr=1c,dma_mask=0xffffffffffff --device edu,addr=1d,dma_mask=0xffffffffffff --device edu,addr=b'
env_amd='EDU=0000:00:1c.0 EDU2=0000:00:1d.0 NORESET=1'
devices='' env=''
guests='--device e1000e,addr=c --device qemu-xhci,addr=d,id=xhci --device usb-tablet,bus=xhci.0'

# host ARGUMENT... -- COMMAND...
host()
{
	# shellcheck disable=SC2086 # words
	scripts/emuhost --kernel "$kernel" --smp 2 --timeout "${TIMEOUT:-3000}" $devices "$@" 2>&1 | tee -a "$log"
}

part()
{
	echo "== $1, Linux $kernel"
	name=${1%%:*} tests=$(echo "${1#"${1%%:*}"}" | tr ':,' '  ')
	case $name in
	amd*) devices="$edus_amd --device nvme,addr=a" env=$env_amd ;;
	*) devices="$ports $edus --device nvme,addr=a" env='' ;;
	esac
	# shellcheck disable=SC2086 # words
	case $name in
	intel | amd) host --iommu "$name" -- env $env tests/ppt/t_ppt.sh $tests ;;
	intel-guest | amd-guest)
		host --iommu "${name%-*}" --mem 3G $guests -- tests/ppt/t_guest.sh $tests
		;;
	intel-noir | amd-noir) host --iommu "${name%-*}" --append intremap=off -- env $env tests/ppt/t_refused.sh p04_no_interrupt_remapping iommu_disabled ;;
	*-boot) IOMMU=${name%-*} tests/ppt/boot.sh 2>&1 | tee -a "$log" ;;
	none) host --iommu none -- tests/ppt/t_refused.sh no_iommu ;;
	*) echo "no such part: $1" >&2; exit 2 ;;
	esac
}

[ $# -gt 0 ] || set -- intel amd intel-guest amd-guest intel-noir amd-noir none intel-boot amd-boot
for part; do
	part "$part"
done
awk -v parts=$# '
	/^[0-9]+ passed, [0-9]+ failed/ { passed += $1; failed += $3; skipped += $5; closed++ }
	/^emuhost: the host.s kernel .* reports/ { reports++ }
	END {
		# A host that came to no end, or that reports something, is a test that failed.
		failed += parts - closed + reports
		printf "%d passed, %d failed%s\n", passed, failed, skipped ? ", " skipped " skipped" : ""
		exit failed != 0
	}' "$log"
