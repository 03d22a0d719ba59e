#!/bin/sh
# shellcheck shell=dash
# Stage 2 of the lab's node, and its process 1.
export PATH=@sw@/bin HOME=/root TERM=linux
exec </dev/console >/dev/console 2>&1
mountpoint -q /proc || mount -t proc proc /proc
mountpoint -q /sys || mount -t sysfs sysfs /sys
mountpoint -q /dev || mount -t devtmpfs -o mode=0755 devtmpfs /dev
mountpoint -q /run || mount -t tmpfs -o mode=0755 tmpfs /run
mkdir -p /dev/pts /run/lock/lvm /run/bootstead /tmp
# The kernel asks for modules by this program; its default is not where a NixOS-like system has it.
echo @sw@/bin/modprobe >/proc/sys/kernel/modprobe
mount -t devpts -o gid=5,mode=620 devpts /dev/pts
mount -t tmpfs -o mode=1777 tmpfs /tmp
mount -o remount,rw /
@out@/activate
ln -sfn @out@ /run/booted-system
machine=/var/lib/bootstead/machine.json
hostname "$(jq -r '.name // "bootstead-node"' $machine 2>/dev/null || echo bootstead-node)"
echo "node: $(hostname), system @out@"

@sw@/bin/systemd-udevd --daemon
udevadm trigger --type=subsystems --action=add
udevadm trigger --type=devices --action=add
udevadm settle --timeout=30
[ -d /sys/firmware/efi ] && modprobe -q efivarfs && mount -t efivarfs efivarfs /sys/firmware/efi/efivars

# The file systems of machine.json, which a NixOS module would declare. One that does not mount is said and does not stop
# the node. By its path, because the shell's own mount does not know options such as nofail.
modprobe -q vfat
if [ -r $machine ]; then
	jq -r '.fileSystems[] | select(.mountPoint != "/") | [.device, .mountPoint, .type, (.options + ["defaults"] | join(","))] | @tsv' $machine |
		while read -r device folder type options; do
			mkdir -p "$folder"
			mountpoint -q "$folder" || @sw@/bin/mount -t "$type" -o "$options" "$device" "$folder" ||
				echo "node: $folder does not mount from $device"
			mountpoint -q "$folder" || continue
			echo "node: mounted $folder"
			# Data that a rebuild has to keep: written once, its hash printed at each start.
			[ "$folder" = /boot ] && continue
			[ -e "$folder/lab-data" ] || { head -c 4194304 /dev/urandom >"$folder/lab-data.new" && sync && mv "$folder/lab-data.new" "$folder/lab-data" && sync; }
			echo "node: data $folder $(sha256sum <"$folder/lab-data" | cut -c1-64)"
		done
fi
boot=$(blkid -L BOOTSTEAD) && mkdir -p /boot && { mountpoint -q /boot || mount -t vfat -o umask=0077 "$boot" /boot; } || echo "node: no /boot (label BOOTSTEAD)"

# What a test wants done on the node, before it reports.
modprobe -q qemu_fw_cfg
script=/sys/firmware/qemu_fw_cfg/by_name/opt/bootstead/script/raw
[ -r $script ] && { sh $script </dev/null && echo "node: the script ended" || echo "node: the script failed"; }

ip link set lo up
ip address add 127.0.0.1/8 dev lo 2>/dev/null
for folder in /sys/class/net/*; do
	[ -e "$folder/device" ] || continue
	interface=${folder##*/}
	ip link set "$interface" up
	udhcpc -f -i "$interface" -s @stage2@/udhcpc -t 5 -T 2 -A 3 -S -x "hostname:$(hostname)" >/dev/null 2>&1 &
done

for console in ttyS0 tty1; do
	(while :; do getty -n -l @busybox@/bin/sh 115200 "$console" linux >/dev/null 2>&1; sleep 2; done) &
done

(
	pause=1
	until bootstead-agent report </dev/null; do
		echo "node: the report did not get through; once more in $pause s"
		sleep $pause
		[ $pause -lt 30 ] && pause=$((pause * 2))
	done
	echo "node: reported"
	# From now on it does what the appliance asks of a running node.
	while :; do bootstead-agent report --stay </dev/null; sleep 30; done
) &

trap 'sync; umount -a -r 2>/dev/null; reboot -f' INT
trap 'sync; umount -a -r 2>/dev/null; poweroff -f' USR2 TERM
while :; do wait; sleep 1 & wait $!; done
