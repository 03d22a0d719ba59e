#!/bin/busybox sh
# shellcheck shell=dash
# PID 1 of the micro-installer. Brings up devices, network and consoles, then keeps `bootstead-agent install` running.
# It mounts no disk and activates no volume: whatever is done to disks is done by the agent.
#
# After a take-over by kexec, /etc/bootstead/network holds the old system's network, and a watchdog gives the machine back.
#
# Kernel arguments:
#   BOOTIF=01-aa-bb-cc-dd-ee-ff   the interface the machine booted from; without it every interface with a link is tried
#   bootstead.address=192.0.2.5/24, bootstead.gateway=192.0.2.1, bootstead.dns=192.0.2.1,192.0.2.2
#                                 a fixed address instead of DHCP, as a boot kit hands it on
#   bootstead.mode=rescue         a root shell on the consoles instead of the agent

export PATH=/usr/sbin:/usr/bin:/sbin:/bin HOME=/root TERM=linux

mount -t proc -o nosuid,nodev,noexec proc /proc
mount -t sysfs -o nosuid,nodev,noexec sysfs /sys
mount -t devtmpfs -o nosuid,mode=0755 devtmpfs /dev 2>/dev/null
mkdir -p /dev/pts /run /tmp
mount -t devpts -o nosuid,noexec,gid=5,mode=620 devpts /dev/pts
mount -t tmpfs -o nosuid,nodev,mode=0755 tmpfs /run
mount -t tmpfs -o nosuid,nodev,mode=1777 tmpfs /tmp
mkdir -p /run/lock/lvm /run/udev /run/bootstead
ln -snf /proc/self/fd /dev/fd
hostname bootstead-installer

# The NixOS installer (images/installer) runs the parts between these marks as well. {{{
argument() {
	# shellcheck disable=SC2013 # words are what is wanted
	for word in $(cat /proc/cmdline); do
		case "$word" in "$1"=*) echo "${word#*=}" && return ;; esac
	done
}

# Every place where a person may be looking: the kernel's consoles, the screen and the first serial port. A serial port
# without a chip has type 0 (PORT_UNKNOWN) and writes to it fail.
consoles() {
	for name in $(cat /sys/class/tty/console/active 2>/dev/null) tty1 ttyS0; do
		[ "$name" = tty0 ] && name=tty1
		case "$name" in ttyS*) [ "$(cat "/sys/class/tty/$name/type" 2>/dev/null)" != 0 ] || continue ;; esac
		[ -c "/dev/$name" ] && echo "/dev/$name"
	done | awk '!seen[$0]++'
}
CONSOLES=$(consoles)
for console in $CONSOLES; do
	case "$console" in /dev/ttyS*) stty -F "$console" 115200 clocal 2>/dev/null ;; esac
done
# shellcheck disable=SC2086 # one argument for each
set -- $CONSOLES
if [ $# -gt 0 ]; then
	mkfifo /run/bootstead/console
	(
		trap '' HUP INT PIPE
		# tee goes on with the other consoles when one of them fails.
		while :; do tee "$@" </run/bootstead/console >/dev/null 2>&1; done
	) &
	exec </dev/null >/run/bootstead/console 2>&1
fi
say() { echo "bootstead: $*"; }
# }}}

say "micro-installer, kernel $(uname -r)"

/usr/lib/systemd/systemd-udevd --daemon
udevadm trigger --type=subsystems --action=add
udevadm trigger --type=devices --action=add
udevadm settle --timeout=30 || say "some devices are still being set up after 30 s; going on"
for module in dm_mod dm_thin_pool dm_snapshot loop ext4 xfs vfat nls_cp437 nls_ascii; do
	modprobe -q "$module" || say "kernel module $module does not load"
done
if [ -d /sys/firmware/efi ]; then
	modprobe -q efivarfs
	mount -t efivarfs -o nosuid,nodev,noexec efivarfs /sys/firmware/efi/efivars 2>/dev/null ||
		say "EFI variables are not readable"
fi

ip link set lo up
ip address add 127.0.0.1/8 dev lo 2>/dev/null

# {{{
# Interfaces that are hardware and speak Ethernet (type 1).
interfaces() {
	for folder in /sys/class/net/*; do
		[ -e "$folder/device" ] && [ "$(cat "$folder/type")" = 1 ] && [ ! -d "$folder/wireless" ] && [ ! -d "$folder/phy80211" ] &&
			echo "${folder##*/}"
	done
}
# The interface with the hardware address $1 (aa:bb:cc:dd:ee:ff).
interface_of() {
	for interface in $(interfaces); do
		[ "$(cat "/sys/class/net/$interface/address")" = "$1" ] && echo "$interface" && return
	done
}
has_link() { [ "$(cat "/sys/class/net/$1/carrier" 2>/dev/null)" = 1 ]; }
start_dhcp() {
	[ -e "/run/bootstead/dhcp-$1" ] && return
	: >"/run/bootstead/dhcp-$1"
	say "asking for an address on $1 ($(cat "/sys/class/net/$1/address"))"
	# Stays in the background for renewals, and tries for as long as the machine runs. Asks no oftener than RFC 2131 has it
	# (4.1: first after 4 s): a server that is slow and does one request after the other would never catch up.
	udhcpc -f -i "$1" -s /usr/share/udhcpc/default.script -t 6 -T 4 -A 2 -S -x "hostname:bootstead-installer" >/dev/null 2>&1 &
}
have_lease() { [ -n "$(ls /run/bootstead/leases 2>/dev/null)" ]; }

# Gives the fixed address $1 to the boot interface, or to the first one that has a link within 20 s.
fixed_address() {
	waited=0
	chosen=
	while [ -z "$chosen" ] && [ $waited -lt 20 ]; do
		chosen=$(interface_of "$wanted")
		for interface in $(interfaces); do
			ip link set "$interface" up
			[ -z "$chosen" ] && [ -z "$wanted" ] && has_link "$interface" && chosen=$interface
		done
		[ -n "$chosen" ] || sleep 1
		waited=$((waited + 1))
	done
	[ -n "$chosen" ] || { say "no interface for the fixed address $1; asking DHCP"; return 1; }
	ip address add "$1" broadcast + dev "$chosen" || { say "$chosen does not take the address $1"; return 1; }
	gateway=$(argument bootstead.gateway)
	if [ -n "$gateway" ]; then
		ip route replace default via "$gateway" dev "$chosen" || say "no route over $gateway"
	fi
	for server in $(argument bootstead.dns | tr ',' ' '); do echo "nameserver $server"; done >/etc/resolv.conf
	mkdir -p /run/bootstead/leases
	echo "${1%/*}" >"/run/bootstead/leases/$chosen"
	say "fixed address $1 on $chosen"
}

network() {
	wanted=$(argument BOOTIF | tr 'A-F' 'a-f' | sed 's/^01[-:]//; s/-/:/g')
	fixed=$(argument bootstead.address)
	if [ -n "$fixed" ]; then
		fixed_address "$fixed" && return
	fi
	waited=0
	while [ -z "$(interfaces)" ] && [ $waited -lt 20 ]; do sleep 1; waited=$((waited + 1)); done
	for interface in $(interfaces); do ip link set "$interface" up; done
	waited=0
	while ! have_lease && [ $waited -lt 60 ]; do
		only=
		[ -n "$wanted" ] && only=$(interface_of "$wanted")
		# A boot interface that never appears or gets no lease within 15 s must not stop the others.
		[ $waited -ge 15 ] && only=
		if [ -n "$only" ]; then
			start_dhcp "$only"
		elif [ -z "$wanted" ] || [ $waited -ge 15 ]; then
			for interface in $(interfaces); do
				ip link set "$interface" up
				has_link "$interface" && start_dhcp "$interface"
			done
		fi
		sleep 1
		waited=$((waited + 1))
		[ $((waited % 10)) = 0 ] && say "no address yet after $waited s; interfaces: $(interfaces | tr '\n' ' ')"
	done
	for lease in /run/bootstead/leases/*; do
		[ -e "$lease" ] && say "address $(cat "$lease") on ${lease##*/}"
	done
	have_lease || say "no address from DHCP: is the cable plugged in, and is there a DHCP server? Still trying."
}

# shellcheck source=images/micro-installer/handed-network.sh
. /usr/lib/bootstead/handed-network.sh

# The installer that a running system started by kexec gives the machine back when it does not reach the appliance, as long
# as nothing was written: the agent leaves its marks in /run/bootstead.
watchdog() {
	limit=$(sed -n 's/.*"watchdogSeconds":\([0-9]*\).*/\1/p' /etc/bootstead/boot.json 2>/dev/null)
	[ -n "$limit" ] || return
	touch /run/bootstead/reached
	(
		while [ ! -e /run/bootstead/writing ]; do
			silent=$(($(date +%s) - $(stat -c %Y /run/bootstead/reached)))
			if [ $silent -ge "$limit" ]; then
				say "the appliance was not reached for $silent s and nothing was written: restarting into the system on the disk"
				sync
				sleep 1
				reboot -f
			fi
			sleep 2
		done
	) &
}

watchdog
if [ -r $HANDED ]; then
	handed_network
	have_address() { [ -n "$(ip -o address show | awk '$4 !~ /^(127\.|::1|fe80:)/')" ]; }
	have_address || network
else
	network
fi

if [ "$(argument bootstead.mode)" = rescue ]; then
	say "rescue shell: nothing is installed, nothing is changed. 'reboot -f' leaves it."
	for console in $CONSOLES; do
		# shellcheck disable=SC2094 # a terminal is read and written
		(while :; do setsid cttyhack sh -l <"$console" >"$console" 2>&1; sleep 1; done) &
	done
	while :; do wait; sleep 1; done
fi

# 0: the machine is installed and restarts from its disk. Everything else: once more, later each time.
pause=1
while :; do
	started=$(cut -d. -f1 /proc/uptime)
	bootstead-agent install
	status=$?
	if [ $status = 0 ]; then
		say "finished; restarting"
		sync
		sleep 1
		reboot -f
	fi
	[ $(($(cut -d. -f1 /proc/uptime) - started)) -gt 120 ] && pause=1
	say "the agent stopped with status $status; starting it again in $pause s"
	sleep $pause
	pause=$((pause * 2))
	[ $pause -gt 60 ] && pause=60
done
# }}}
