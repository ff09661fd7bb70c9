#!/bin/sh
# SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
#
# tests/ppt/boot.sh
#
# A host that starts with an initial RAM disk of initramfs-tools, made with the hook of dist/: pptdevs from modprobe.d names an
# nvme, whose driver udev finds as always. vmm has to have it first. As root: the disk is made in a mount namespace of its
# own, with the kernel's modules and vmm.ko in place. KERNEL=6.1|6.12 (6.1). Ends with "N passed, N failed[, N skipped]".
set -eu
cd "$(dirname "$0")/../.."
PATH=$PATH:/usr/sbin:/sbin
command -v mkinitramfs >/dev/null || { echo "skip boot: no mkinitramfs (package initramfs-tools)"; echo "0 passed, 0 failed, 1 skipped"; exit 0; }

vmlinuz=$(scripts/kernel-image --with-headers "${KERNEL:-6.1}")
release=${vmlinuz##*/vmlinuz-}
modules=${vmlinuz%/boot/*}/lib/modules/$release
make -s KVER="$release" KDIR="$modules/build"
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

# What the hook looks at: the configuration, and a machine with an nvme at 00:0a.0.
root=$work/root
device=$root/sys/bus/pci/devices/0000:00:0a.0
mkdir -p "$root/etc/modprobe.d" "$root/proc" "$device" "$root/lib" "$work/conf/hooks" "$work/conf/scripts/init-premount" "$work/lib"
ln -s /lib/modules "$root/lib/modules"
echo 'options vmm pptdevs="9/9/9 0/10/0"' >"$root/etc/modprobe.d/vmm.conf"
: >"$root/proc/cmdline"
echo "pci:v00001B36d00000010sv00001AF4sd00001100bc01sc08i02" >"$device/modalias"
cp -r /etc/initramfs-tools/. "$work/conf"
echo MODULES=most >"$work/conf/conf.d/vmm-test" 2>/dev/null || { mkdir -p "$work/conf/conf.d"; echo MODULES=most >"$work/conf/conf.d/vmm-test"; }
echo RESUME=none >>"$work/conf/conf.d/vmm-test"
cp dist/initramfs-tools/vmm "$work/conf/hooks/vmm"
# Udev has seen every device by then.
cat >"$work/conf/scripts/init-premount/zz-tell" <<'EOS'
#!/bin/sh
case $1 in prereqs) exit 0 ;; esac
udevadm settle
driver=$(readlink /sys/bus/pci/devices/0000:00:0a.0/driver)
{
	echo "tell: driver ${driver##*/}"
	echo "tell: nodes $(ls /dev | grep -c nvme)"
	echo "tell: loaded $(lsmod | grep -cE '^(vmm|nvme) ')"
	dmesg | grep -E 'vmm: |nvme ' | sed 's/^/tell: log /'
	echo "tell: end"
} >/dev/console
poweroff -f
EOS
chmod 755 "$work/conf/hooks/vmm" "$work/conf/scripts/init-premount/zz-tell"

export modules release work VMM_ROOT="$root" VMM_SOFTDEPS="$PWD/dist/pptdevs-softdeps"
cp "build/$release/vmm.ko" "$work/vmm.ko"
# shellcheck disable=SC2016 # for the shell there
unshare -m sh -ec '
	mount --make-rprivate /
	mkdir -p "$work/up"
	mount -t tmpfs tmpfs "$work/up"
	mkdir -p "$work/up/upper/$release/extra" "$work/up/work" "$work/up/merged"
	mount -t overlay -o "lowerdir=${modules%/*},upperdir=$work/up/upper,workdir=$work/up/work" overlay "$work/up/merged"
	cp "$work/vmm.ko" "$work/up/merged/$release/extra/"
	mount --bind "$work/up/merged" /lib/modules
	depmod "$release"
	mount --bind "$VMM_ROOT/etc/modprobe.d" /etc/modprobe.d
	mkinitramfs -d "$work/conf" -o "$work/initrd" "$release"
' >"$work/log" 2>&1 || { cat "$work/log"; echo "0 passed, 1 failed"; exit 1; }

truncate -s 64M "$work/disk"
timeout "${TIMEOUT:-600}" qemu-system-x86_64 -nodefaults -display none -no-reboot -M q35 -accel tcg,thread=multi \
	-cpu EPYC,+svm,+npt,-topoext,check=off -smp 2 -m 1G -device intel-iommu,intremap=on \
	-drive "file=$work/disk,if=none,id=disk,format=raw" -device nvme,drive=disk,serial=boot,addr=a \
	-kernel "$vmlinuz" -initrd "$work/initrd" -append "console=ttyS0 panic=-1 tsc=reliable no_timer_check intel_iommu=on" \
	-serial stdio </dev/null >"$work/console" 2>&1 || true

tr -d '\r' <"$work/console" | grep -a 'tell: ' >"$work/told" || true
passed=0 failed=0
check()
{
	if grep -qE "$2" "$work/told"; then
		echo "ok $1"
		passed=$((passed + 1))
	else
		echo "not ok $1"
		failed=$((failed + 1))
	fi
}
check boot_reaches_the_end 'tell: end'
check boot_device_is_with_ppt 'tell: driver ppt$'
check boot_both_modules_loaded 'tell: loaded 2'
check boot_reserved_first 'vmm: 0000:00:0a.0 is reserved for passthrough'
check boot_absent_entry_costs_a_line 'vmm: pptdevs: "9/9/9" matches no device'
if grep -q 'nvme nvme[0-9]\|nvme 0000:00:0a.0' "$work/told"; then
	echo "not ok boot_nvme_never_probes"
	failed=$((failed + 1))
else
	check boot_nvme_never_probes 'tell: nodes 0'
fi
[ $failed = 0 ] || { cat "$work/told"; tail -n 20 "$work/console"; }
echo "$passed passed, $failed failed"
[ $failed = 0 ]
