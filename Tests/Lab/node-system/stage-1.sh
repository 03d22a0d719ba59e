#!/bin/busybox sh
# shellcheck shell=dash
# Stage 1 of the lab's node: drivers, volume group, root file system.
/bin/busybox mkdir -p /usr/bin /usr/sbin /sbin
/bin/busybox --install -s
export PATH=/bin:/sbin:/usr/bin:/usr/sbin
mount -t proc proc /proc
mount -t sysfs sysfs /sys
mount -t devtmpfs -o mode=0755 devtmpfs /dev
mount -t tmpfs -o mode=0755 tmpfs /run
mkdir -p /run/lock/lvm
echo "stage 1: drivers"
for module in virtio_pci virtio_blk virtio_scsi ahci ata_piix nvme xhci_pci sd_mod usb_storage dm_mod dm_thin_pool dm_snapshot crc32c_generic ext4 xfs; do
	modprobe -q $module
done
root=""
init=/nix/var/nix/profiles/system/init
# shellcheck disable=SC2013 # words are what is wanted
for word in $(cat /proc/cmdline); do
	case $word in init=*) init=${word#init=} ;; esac
done
for _ in $(seq 60); do
	root=$(findfs LABEL=bootstead-root 2>/dev/null) && break
	sleep 0.5
done
[ -n "$root" ] || { echo "stage 1: no file system is labelled bootstead-root"; cat /proc/partitions; exec sh; }
echo "stage 1: volume group data"
# Without udev the device mapper has to make the nodes itself.
lvm vgchange --config 'activation { udev_sync = 0 udev_rules = 0 monitoring = 0 }' -ay data ||
	echo "stage 1: there is no volume group data, or it does not start"
echo "stage 1: root is $root"
mount -t ext4 -o rw "$root" /mnt-root || exec sh
[ -e "/mnt-root$init" ] || [ -L "/mnt-root$init" ] || { echo "stage 1: no $init on $root"; exec sh; }
for folder in proc sys dev run; do
	mkdir -p /mnt-root/$folder
	mount --move /$folder /mnt-root/$folder
done
exec switch_root /mnt-root "$init"
