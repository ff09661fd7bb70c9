#!/bin/sh
# SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
#
# tests/ppt/boot.sh
#
# A host that starts with an initial RAM disk of initramfs-tools, made with the hook of dist/: pptdevs from modprobe.d names an
# nvme, whose driver udev finds as always. vmm has to have it first; then a guest writes to it, and the host's driver gets it back
# and reads what the guest wrote. As root: the disk is made in a mount namespace of its own, with the kernel's modules and vmm.ko in
# place. KERNEL=6.1|6.12 (6.1), GUEST=6.1|6.12 (6.1): the guest's, IOMMU=intel|amd (intel). Ends with "N passed, N failed[, N skipped]".
set -eu
cd "$(dirname "$0")/../.."
PATH=$PATH:/usr/sbin:/sbin
skip()
{
	echo "skip boot: $*"
	echo "0 passed, 0 failed, 1 skipped"
	exit 0
}
[ "$(id -u)" = 0 ] || skip "only root has mount namespaces"
unshare -m true 2>/dev/null || skip "no mount namespaces here"
command -v mkinitramfs >/dev/null || skip "no mkinitramfs (package initramfs-tools)"

vmlinuz=$(scripts/kernel-image --with-headers "${KERNEL:-6.1}")
release=${vmlinuz##*/vmlinuz-}
modules=${vmlinuz%/boot/*}/lib/modules/$release
make -s KVER="$release" KDIR="$modules/build"
make -s tools
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

# What the hook looks at: the configuration, and a machine with an nvme at 00:0a.0.
root=$work/root
device=$root/sys/bus/pci/devices/0000:00:0a.0
mkdir -p "$root/etc/modprobe.d" "$root/proc" "$device" "$root/lib" "$work/conf/hooks" "$work/conf/scripts/init-premount" "$work/lib"
ln -s /lib/modules "$root/lib/modules"
echo 'options vmm pptdevs="9/9/7 0/10/0"' >"$root/etc/modprobe.d/vmm.conf"
: >"$root/proc/cmdline"
echo "pci:v00001B36d00000010sv00001AF4sd00001100bc01sc08i02" >"$device/modalias"
cp -r /etc/initramfs-tools/. "$work/conf"
mkdir -p "$work/conf/conf.d"
printf '%s\n' MODULES=list RESUME=none BUSYBOX=y >"$work/conf/conf.d/vmm-test"
echo nvme >"$work/conf/modules"
cp dist/initramfs-tools/vmm "$work/conf/hooks/vmm"
# The guest, and what runs it.
guest_vmlinuz=$(scripts/kernel-image "${GUEST:-6.1}")
guest_initramfs=$(tests/ppt/guest-initramfs "$guest_vmlinuz")
cat >"$work/conf/hooks/guest" <<EOS
#!/bin/sh
case \$1 in prereqs) exit 0 ;; esac
. /usr/share/initramfs-tools/hook-functions
mkdir -p "\$DESTDIR/guest"
cp "$guest_vmlinuz" "\$DESTDIR/guest/vmlinuz"
cp "$guest_initramfs" "\$DESTDIR/guest/initrd"
copy_exec $PWD/build/tools/vmmrun/vmmrun /guest
copy_exec /usr/bin/md5sum
EOS
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
	/guest/vmmrun -m 256M -k /guest/vmlinuz -i /guest/initrd --passthru 0/10/0 \
		-a "console=ttyS0 quiet no_timer_check tsc=reliable panic=-1 ppt.test=nvme" guest </dev/null 2>&1 | sed 's/^/tell: /'
	cd /sys/bus/pci
	echo >devices/0000:00:0a.0/driver_override
	echo 0000:00:0a.0 >drivers/ppt/unbind
	echo 0000:00:0a.0 >drivers_probe
	for _ in 1 2 3 4 5 6 7 8 9 10; do
		[ ! -b /dev/nvme0n1 ] || break
		sleep 1
	done
	echo "tell: host md5 $(md5sum </dev/nvme0n1)"
	echo "tell: end"
} >/dev/console
poweroff -f
EOS
chmod 755 "$work/conf/hooks/vmm" "$work/conf/hooks/guest" "$work/conf/scripts/init-premount/zz-tell"

export vmlinuz modules release work VMM_ROOT="$root" VMM_SOFTDEPS="$PWD/dist/pptdevs-softdeps"
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
	mount --bind "${vmlinuz%/*}" /boot
	depmod "$release"
	mount --bind "$VMM_ROOT/etc/modprobe.d" /etc/modprobe.d
	mkinitramfs -d "$work/conf" -o "$work/initrd" "$release"
' >"$work/log" 2>&1 || { cat "$work/log"; echo "0 passed, 1 failed"; exit 1; }

truncate -s 64M "$work/disk"
timeout "${TIMEOUT:-600}" qemu-system-x86_64 -nodefaults -display none -no-reboot -M q35 -accel tcg,thread=multi \
	-cpu EPYC,+svm,+npt,-topoext,check=off -smp 2 -m 2G -device "${IOMMU:-intel}-iommu,intremap=on" \
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
sum=$(sh tests/ppt/pattern | md5sum)
check boot_both_modules_loaded 'tell: loaded 2'
check boot_reserved_first 'vmm: 0000:00:0a.0 is reserved for passthrough'
check boot_absent_entry_costs_a_line 'vmm: pptdevs: "9/9/7" matches no device'
check boot_guest_reads_what_it_wrote "tell: guest: md5 ${sum%% *}"
check boot_host_reads_what_the_guest_wrote "tell: host md5 ${sum%% *}"
# What the log had before the guest.
sed -i '/guest: /,$d' "$work/told"
if grep -q 'nvme nvme[0-9]\|nvme 0000:00:0a.0' "$work/told"; then
	echo "not ok boot_nvme_never_probes"
	failed=$((failed + 1))
else
	check boot_nvme_never_probes 'tell: nodes 0'
fi
[ $failed = 0 ] || { cat "$work/told"; tail -n 20 "$work/console"; }
echo "$passed passed, $failed failed"
[ $failed = 0 ]
