#!/bin/sh
# shellcheck shell=dash
# Part of the micro-installer's init: the network that a machine had when it was taken over by kexec. Uses say, interface_of,
# start_dhcp and have_lease of init.sh.

HANDED=/etc/bootstead/network

# The interface that the take-over calls $1: hardware is found by its address, the rest has that name.
handed_device() {
	case "$1" in
	l*) interface_of "$(awk -v name="$1" '$1 == "link" && $2 == name { print $3 }' "$HANDED")" ;;
	*) echo "$1" ;;
	esac
}

# Brings up the network that the old system had. Hardware first; what stands on it after that.
handed_network() {
	waited=0
	while [ $waited -lt 30 ]; do
		missing=
		for name in $(awk '$1 == "link" { print $2 }' "$HANDED"); do
			[ -n "$(handed_device "$name")" ] || missing="$missing $name"
		done
		[ -z "$missing" ] && break
		sleep 1
		waited=$((waited + 1))
	done
	[ -z "$missing" ] || say "network cards of the old system are missing here:$missing; going on without them"
	# Addresses are taken over as they were: nobody else has them.
	for conf in /proc/sys/net/ipv6/conf/all /proc/sys/net/ipv6/conf/default; do echo 0 >$conf/accept_dad 2>/dev/null; done
	while read -r what name rest; do
		device=$(handed_device "$name")
		[ -n "$device" ] || [ "$what" = nameserver ] || continue
		# shellcheck disable=SC2086 # words are what is wanted
		set -- $rest
		[ -w "/proc/sys/net/ipv6/conf/$device/accept_dad" ] && echo 0 >"/proc/sys/net/ipv6/conf/$device/accept_dad"
		case "$what" in
		link) ip link set "$device" up ;;
		mtu) ip link set "$device" mtu "$1" ;;
		vlan)
			modprobe -q 8021q
			parent=$(handed_device "$1")
			ip link add link "$parent" name "$device" type vlan id "$2" && ip link set "$device" up
			;;
		bond)
			modprobe -q bonding max_bonds=0
			ip link add "$device" type bond
			echo "$1" >"/sys/class/net/$device/bonding/mode"
			members=$2
			ip link set "$device" address "$3"
			shift 3
			for option in "$@"; do echo "${option#*=}" >"/sys/class/net/$device/bonding/${option%%=*}"; done
			for member in $(echo "$members" | tr , ' '); do
				member=$(handed_device "$member")
				[ -n "$member" ] && ip link set "$member" down && echo "+$member" >"/sys/class/net/$device/bonding/slaves"
			done
			ip link set "$device" up
			;;
		dhcp) handed_dhcp="$handed_dhcp $device" ;;
		address) by_dhcp "$device" "$1" || handed_address "$device" "$1" ;;
		route) by_dhcp "$device" "$1" || handed_route "$device" "$1" "$2" "$3" "$4" ;;
		nameserver) echo "nameserver $name" >>/etc/resolv.conf ;;
		esac
	done <"$HANDED"
	for device in $handed_dhcp; do
		start_dhcp "$device"
		waited=0
		while [ ! -e "/run/bootstead/leases/$device" ] && [ $waited -lt 20 ]; do
			sleep 1
			waited=$((waited + 1))
		done
		[ -e "/run/bootstead/leases/$device" ] && continue
		say "no lease on $device within $waited s; taking the address that it had"
		while read -r what name rest; do
			[ "$what" = address ] && [ "$(handed_device "$name")" = "$device" ] && by_dhcp "$device" "$rest" && handed_address "$device" "$rest"
		done <"$HANDED"
		while read -r what name rest; do
			# shellcheck disable=SC2086
			set -- $rest
			[ "$what" = route ] && [ "$(handed_device "$name")" = "$device" ] && [ "$1" = 4 ] && handed_route "$device" "$1" "$2" "$3" "$4"
		done <"$HANDED"
	done
	say "the old system's network: $(ip -o address show | awk '$4 !~ /^(127\.|::1|fe80:)/ { print $2, $4 }' | tr '\n' ' ')"
}
handed_dhcp=
# Whether an address, or routes of a family, come to device $1 with its lease.
by_dhcp() {
	case "$2" in 6 | *:*) return 1 ;; esac
	case " $handed_dhcp " in *" $1 "*) return 0 ;; esac
	return 1
}
handed_address() {
	case "$2" in
	*:*) ip -6 address add "$2" dev "$1" ;;
	*) ip address add "$2" broadcast + dev "$1" ;;
	esac
}
# DEVICE FAMILY DESTINATION GATEWAY METRIC. A gateway outside of the device's own networks, as providers with single
# addresses have it, is on the link.
handed_route() {
	metric=$5
	[ "$metric" = 0 ] && metric=
	if [ "$4" = - ]; then
		ip "-$2" route add "$3" dev "$1" ${metric:+metric "$metric"} 2>/dev/null
	else
		ip "-$2" route add "$3" via "$4" dev "$1" ${metric:+metric "$metric"} 2>/dev/null ||
			{ ip "-$2" route add "$4" dev "$1" 2>/dev/null && ip "-$2" route add "$3" via "$4" dev "$1" ${metric:+metric "$metric"}; }
	fi
}
