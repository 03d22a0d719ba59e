#!/bin/sh
# shellcheck shell=dash
# Makes this system what the machine boots: `switch-to-configuration boot`. Runs in the installer's chroot and on the node.
set -eu
export PATH=@sw@/bin
system=@out@
variant=@variant@
profiles=/nix/var/nix/profiles

case "${1:-}" in
boot | switch) ;;
test)
	"$system/activate"
	# What a wrong configuration does to a running node.
	if [ "$variant" = lonely ]; then
		for folder in /sys/class/net/*; do
			[ ! -e "$folder/device" ] || ip link set "${folder##*/}" down
		done
	fi
	exit 0
	;;
dry-activate) exec "$system/activate" ;;
*) echo "usage: switch-to-configuration boot|switch|test" >&2; exit 1 ;;
esac

mountpoint -q /boot || { echo "/boot is not mounted" >&2; exit 1; }
mkdir -p /boot/grub /boot/kernels

# The disk that carries the root file system, by its device number: mountinfo has it in field 3.
number=$(awk '$5 == "/" { print $3 }' /proc/self/mountinfo | tail -1)
partition=$(readlink -f "/sys/dev/block/$number")
disk=/dev/$(basename "$(dirname "$partition")")
[ -b "$disk" ] || { echo "no disk found that carries / ($number, $partition)" >&2; exit 1; }

install_grub() {
	echo "installing GRUB for BIOS on $disk"
	@grub@/bin/grub-install --directory=@grub@/lib/grub/i386-pc --target=i386-pc --boot-directory=/boot \
		--locales= --fonts= --themes= --recheck "$disk"
	echo "installing GRUB for UEFI as /boot/EFI/BOOT/BOOTX64.EFI"
	@grub@/bin/grub-install --directory=@grub@/lib/grub/x86_64-efi --target=x86_64-efi --boot-directory=/boot \
		--efi-directory=/boot --locales= --fonts= --themes= --removable --no-nvram --no-uefi-secure-boot
}
if [ "${NIXOS_INSTALL_BOOTLOADER:-0}" = 1 ] || [ ! -e /boot/grub/i386-pc/core.img ] || [ ! -e /boot/EFI/BOOT/BOOTX64.EFI ]; then
	install_grub
fi

# GRUB does not need to read the root or LVM: kernels lie beside it, named for their store path as NixOS does it.
copied() {
	path=$(readlink -f "$1")
	name=$(echo "${path#/nix/store/}" | tr / -)
	if [ ! -e "/boot/kernels/$name" ]; then
		cp "$path" "/boot/kernels/$name.new"
		sync
		mv "/boot/kernels/$name.new" "/boot/kernels/$name"
	fi
	echo "$name" >>/boot/kernels/.used.new
	echo "/kernels/$name"
}
entry() {
	kernel=$(copied "$2/kernel")
	initrd=$(copied "$2/initrd")
	cat <<END
menuentry "$1" {
  linux \$volume$kernel init=$(readlink -f "$2")/init $(cat "$2/kernel-params")
  initrd \$volume$initrd
}
END
}
: >/boot/kernels/.used.new
{
	cat <<'END'
set timeout=1
set default=0
insmod part_gpt
insmod fat
insmod all_video
search --no-floppy --set=found --label BOOTSTEAD
set volume="($found)"
END
	entry "$(sed -n 's/.*"label": "\([^"]*\)".*/\1/p' "$system/boot.json")" "$system"
	for link in $(find $profiles -name "system-*-link" | sort -t- -k2 -rn | head -20); do
		[ -e "$link/kernel" ] || continue
		generation=$(basename "$link" -link)
		entry "Generation ${generation#system-}" "$link"
	done
} >/boot/grub/grub.cfg.new
mv /boot/grub/grub.cfg.new /boot/grub/grub.cfg
for file in /boot/kernels/*; do
	grep -qxF "${file##*/}" /boot/kernels/.used.new || rm -f "$file"
done
rm -f /boot/kernels/.used.new
sync
echo "boot loader is set up: $system"
[ "$1" = boot ] || exec "$system/activate"
