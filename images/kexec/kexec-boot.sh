#!/bin/sh
# Loads the installer of this folder beside the running kernel. Nothing ends and no disk is written before --now.
#   kexec-boot OVERLAY [--now]   OVERLAY: this boot's archive, http://APPLIANCE/boot/overlay/NONCE.cpio
set -eu

folder=$(cd -- "$(dirname -- "$0")" && pwd)
if [ $# -lt 1 ] || [ $# -gt 2 ] || { [ $# = 2 ] && [ "$2" != --now ]; }; then
	echo "usage: kexec-boot OVERLAY [--now]" >&2
	exit 2
fi
overlay=$1
[ -r "$overlay" ] || { echo "kexec-boot: $overlay can not be read" >&2; exit 1; }
command -v kexec >/dev/null || { echo "kexec-boot: there is no kexec here; install kexec-tools" >&2; exit 1; }
[ "$(id -u)" = 0 ] || { echo "kexec-boot: only root may do this" >&2; exit 1; }

# The kernel unpacks archives one after the other; an uncompressed one has to end on a multiple of 4 bytes.
combined=$(mktemp)
trap 'rm -f "$combined"' EXIT
cat "$overlay" >"$combined"
while [ $(($(wc -c <"$combined") % 4)) != 0 ]; do printf '\0' >>"$combined"; done
cat "$folder/initrd" >>"$combined"

kexec --load "$folder/kernel" --initrd="$combined" --command-line="$(cat "$folder/command-line")"
if [ "${2:-}" = --now ]; then
	sync
	if [ -d /run/systemd/system ]; then
		systemctl kexec
	else
		kexec --exec
	fi
else
	echo "loaded. To end this system and start the installer: $0 $overlay --now"
fi
