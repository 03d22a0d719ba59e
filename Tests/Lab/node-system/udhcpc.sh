#!/bin/sh
# udhcpc gives the lease in the environment.
# shellcheck shell=dash disable=SC2154
export PATH=@sw@/bin
case "$1" in
deconfig) ip link set "$interface" up ;;
bound | renew)
	ip -4 address flush dev "$interface"
	ip address add "$ip/${mask:-24}" broadcast + dev "$interface"
	for gateway in $router; do ip route replace default via "$gateway" dev "$interface"; break; done
	for server in $dns; do echo "nameserver $server"; done >/etc/resolv.conf
	echo "node: address $ip on $interface" >/dev/console
	;;
esac
exit 0
