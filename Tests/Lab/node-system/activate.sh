#!/bin/sh
# shellcheck shell=dash
# Puts the files in place that a running system needs outside the store. May run any number of times, also in a chroot.
export PATH=@sw@/bin
umask 022
mkdir -p /bin /boot /dev /etc /home /lib /lib64 /mnt /nix/var/nix/gcroots /proc /root /run /sys /tmp /usr/bin /var/lib/bootstead /var/log
chmod 1777 /tmp
chmod 0700 /root
ln -sfn @busybox@/bin/sh /bin/sh
ln -sfn @busybox@/bin/env /usr/bin/env
ln -sfn @modules@/lib/modules /lib/modules
ln -sfn @udev@/lib/udev /lib/udev
ln -sfn @etc@/etc /etc/static
for entry in @etc@/etc/*; do
	name=${entry##*/}
	if [ -L "/etc/$name" ] || [ ! -e "/etc/$name" ]; then ln -sfn "/etc/static/$name" "/etc/$name"; fi
done
: >/etc/NIXOS
ln -sfn @out@ /run/current-system
