#!/bin/bash
# PID 1 of the initrd, until it is systemd: adds the image's own words to the kernel's command line, for all who read it.
# The bind mount goes along into the system: switching the root moves /proc with what is mounted on it.
export PATH=/bin:/sbin
mkdir -p /proc
mount -t proc -o nosuid,nodev,noexec proc /proc
read -r given </proc/cmdline
read -r own </image-command-line
# What the boot loader says comes last, and wins.
echo "$own $given" >/command-line
mount --bind /command-line /proc/cmdline || echo "bootstead: the command line can not be completed; this will not start" >/dev/kmsg
exec @SYSTEMD@ "$@"
