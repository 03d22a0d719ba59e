#!/bin/busybox sh
# shellcheck shell=dash
# Process 1 of the lab's Debian machine. Its root is mounted read-only: nothing on its disk changes by itself.
# QEMU's firmware configuration says how its network is set up, and whose key may log in.
export PATH=/usr/sbin:/usr/bin:/sbin:/bin HOME=/root TERM=linux
mount -t proc proc /proc
mount -t sysfs sysfs /sys
mount -t devtmpfs -o mode=0755 devtmpfs /dev
mkdir -p /dev/pts /dev/shm
mount -t devpts -o gid=5,mode=620 devpts /dev/pts
mount -t tmpfs -o mode=0755 tmpfs /run
mount -t tmpfs -o mode=1777 tmpfs /tmp
mount -t tmpfs -o mode=0700 tmpfs /root
mkdir -p /run/sshd /run/ssh /root/.ssh
modprobe -a virtio_net qemu_fw_cfg virtio-rng 8021q bonding 2>/dev/null
# busybox's shell takes its own applet otherwise, which knows less.
ip() { /bin/ip "$@"; }
setting() { cat "/sys/firmware/qemu_fw_cfg/by_name/opt/bootstead/$1/raw" 2>/dev/null; }
hostname old-debian
say() { echo "old debian: $*"; }

ip link set lo up
eth=
waited=0
while [ -z "$eth" ] && [ $waited -lt 20 ]; do
	for folder in /sys/class/net/*; do [ -e "$folder/device" ] && eth=${folder##*/}; done
	[ -n "$eth" ] || { sleep 1; waited=$((waited + 1)); }
done
ip link set "$eth" up
case "$(setting network)" in
dhcp)
	cat >/run/udhcpc.sh <<'END'
#!/bin/busybox sh
[ "$1" = bound ] || [ "$1" = renew ] || exit 0
/bin/ip address replace "$ip/$mask" dev "$interface" valid_lft "$lease" preferred_lft "$lease"
/bin/ip route replace default via "$router" dev "$interface" proto dhcp
END
	chmod 755 /run/udhcpc.sh
	udhcpc -i "$eth" -s /run/udhcpc.sh -t 20 -T 1 -q
	;;
switch)
	modprobe bridge
	ip link add br0 type bridge forward_delay 0
	ip link add link eth1 name eth1.7 type vlan id 7
	for port in eth0 eth1 eth1.7 br0; do ip link set "$port" up; done
	for port in eth0 eth1.7; do ip link set "$port" master br0; done
	;;
vlan)
	ip link add link "$eth" name "$eth.7" type vlan id 7
	ip link set "$eth.7" up
	ip address add 10.77.0.50/24 dev "$eth.7"
	ip route add default via 10.77.0.1
	;;
ipv6)
	sysctl -qw net.ipv6.conf.all.accept_dad=0
	ip address add fd77::50/64 dev "$eth" nodad
	ip route add default via fd77::1
	;;
bond)
	ip link set "$eth" down
	ip link add bond0 type bond mode active-backup miimon 100
	ip link set "$eth" master bond0
	ip link set bond0 up
	ip address add 10.77.0.50/24 dev bond0
	ip route add default via 10.77.0.1
	;;
*)
	ip address add 10.77.0.50/24 dev "$eth"
	ip route add default via 10.77.0.1
	echo "nameserver 10.77.0.1" >/run/resolv.conf
	;;
esac
say "network: $(ip -o address show scope global | tr -s ' ' | cut -d' ' -f2-4 | tr '\n' ' ')"

setting authorized_key >/root/.ssh/authorized_keys
chmod 600 /root/.ssh/authorized_keys
# A new key at each start: the machine of the second start is one "whose key has changed".
ssh-keygen -q -t ed25519 -N '' -f /run/ssh/host_key
before=
[ "$(setting kexec)" = load ] && before=/sbin/without-kexec-file-load
$before /usr/sbin/sshd -f /etc/ssh/sshd_config -E /run/sshd.log
say "ready, $(cat /etc/debian_version), started from $(awk '$2 == "/" { print $1 }' /proc/mounts)"
(while :; do getty -n -l /bin/sh 115200 ttyS0 linux; sleep 2; done) >/dev/null 2>&1 &
trap 'reboot -f' INT TERM
while :; do wait; sleep 1 & wait $!; done
