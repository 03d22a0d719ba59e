#!/bin/sh
# shellcheck shell=dash
# Runs on the lab's node at each start, with the disk that `engine-disk` makes and one labelled `copies`: does what the
# node's NixOS would do, and looks whether the stacks hold what they are to hold. Engine, Borg, LVM and secrets are real.
set -eu
say() { echo "life: $*"; }
fail() {
	say "FAILED: $*"
	exit 1
}
of() { cat "/sys/firmware/qemu_fw_cfg/by_name/opt/bootstead/$1/raw"; }

ip link set lo up
ip address add 127.0.0.1/8 dev lo 2>/dev/null || :
mkdir -p /run/engine/disk /run/engine/upper /run/engine/work /engine /run/stand-ins /etc/bootstead /srv/copies /var/lib/docker
mount -t ext4 "$(blkid -L copies)" /srv/copies
mount -t ext4 -o ro "$(blkid -L engine)" /run/engine/disk
mount -t overlay -o lowerdir=/run/engine/disk,upperdir=/run/engine/upper,workdir=/run/engine/work overlay /engine
mountpoint -q /sys/fs/cgroup || mount -t cgroup2 cgroup2 /sys/fs/cgroup
# What is mounted below these later is seen in the chroot too, and what is unmounted goes there too. The root itself stays
# private: pivot_root(2) does not work below a shared mount, and containers need it.
for folder in srv var/lib; do
	mount --rbind /$folder /$folder
	mount --make-rshared /$folder
done
for folder in proc sys dev run srv var/lib tmp; do mount --rbind /$folder /engine/$folder; done
for module in overlay bridge veth br_netfilter nf_tables nft_compat nft_chain_nat xt_MASQUERADE xt_addrtype xt_conntrack \
	xt_nat xt_tcpudp; do
	modprobe -q $module || say "there is no module $module"
done

# The lab's node has no udev rules of the device mapper that LVM could wait for.
lvm=$(readlink -f "$(command -v lvcreate)")
for name in lvcreate lvremove lvchange lvconvert lvextend; do
	cat >/run/stand-ins/$name <<END
#!/bin/sh
exec $lvm $name --config 'activation { udev_sync = 0 udev_rules = 0 monitoring = 0 }' "\$@"
END
done
for name in docker borg; do
	cat >/run/stand-ins/$name <<END
#!/bin/sh
exec chroot /engine /bin/sh -c 'cd "\$0" && PATH=/usr/sbin:/usr/bin:/sbin:/bin HOME=/root exec "\$@"' "\$PWD" $name "\$@"
END
done
# BusyBox's rm knows no --one-file-system.
cat >/run/stand-ins/rm <<END
#!/bin/sh
for word; do
	shift
	[ "\$word" = --one-file-system ] || set -- "\$@" "\$word"
done
exec $(readlink -f "$(command -v rm)") rm "\$@"
END
chmod +x /run/stand-ins/*
# Also for the agent that reports, which carries the appliance's tasks out.
mount -t overlay -o "lowerdir=/run/stand-ins:${PATH%%:*}" overlay "${PATH%%:*}"
# In a mount namespace whose root is the engine's: what it starts in containers would find the node's root otherwise.
mkdir -p /engine/node
/engine/bin/busybox unshare -m --propagation slave /engine/bin/busybox sh -c 'cd /engine &&
	/engine/bin/busybox pivot_root . node && exec chroot . /bin/busybox sh -c "umount -l /node
		PATH=/usr/sbin:/usr/bin:/sbin:/bin HOME=/root exec dockerd"' >/run/dockerd.log 2>&1 &
engine=$!
until docker version >/dev/null 2>&1; do
	kill -0 $engine || {
		tail -n 30 /run/dockerd.log
		fail "the engine does not start"
	}
	sleep 1
done
docker load -q -i /lab/images.tar >/dev/null
say "the engine runs: $(docker version --format '{{.Server.Version}}'), $(docker info --format '{{.Driver}}')"

for file in stacks backup secrets; do of $file >/etc/bootstead/$file.json; done
bootstead-agent secrets apply || fail "secrets"
query() { docker exec ledger-database-1 psql -U ledger -d ledger -Atc "$1"; }
first() { query "select count(*) from entries where account = 'first'"; }
page() { docker exec pages-server-1 wget -q -O - http://127.0.0.1:8080/; }
kept() { docker exec shelf-store-1 cat /files/kept 2>/dev/null; }
is_clean() {
	! lvs --noheadings -o lv_name | grep -q '\.backup\.' || fail "$1: a snapshot is left: $(lvs --noheadings -o lv_name)"
	! grep -q ' /var/lib/bootstead/backup' /proc/mounts || fail "$1: a mount is left"
	for stack in caddy-hub ledger pages shelf; do
		[ ! -e /var/lib/bootstead/backup/$stack/journal.json ] || fail "$1: the journal of $stack is left"
		[ ! -e /srv/copies/node1/$stack/lock.exclusive ] || fail "$1: the lock of $stack is left"
	done
	[ -z "$(docker ps --all --quiet --filter status=exited --filter status=paused --filter status=created)" ] ||
		fail "$1: $(docker ps --all)"
}

bootstead-agent stacks apply || {
	docker ps --all
	for container in $(docker ps --all --quiet); do
		docker inspect --format '{{.Name}} {{json .State.Health}}' "$container"
		docker logs --tail 20 "$container" 2>&1
	done
	fail "apply"
}
for folder in appdata/pages db/ledger photos/shelf; do
	grep -q " /srv/$folder ext4" /proc/mounts || fail "/srv/$folder is no volume of its own: $(cat /proc/mounts)"
done
if [ ! -e /srv/copies/page ]; then
	query "insert into entries (account, amount) values ('first', 0)" >/dev/null
	docker exec shelf-store-1 sh -c 'echo kept >/files/kept'
	page >/srv/copies/page
	bootstead-agent backup init || fail "backup init"
	for steps in "stop|snapshot|start|mount|create" "mount|create"; do
		bootstead-agent backup run --stack pages borg-per-service &
		agent=$!
		until grep -Eqs "\"step\" : \"($steps)\"" /var/lib/bootstead/backup/pages/journal.json; do
			kill -0 $agent || fail "the run that was to be killed has ended"
			sleep 0.1
		done
		kill -9 $agent
		wait $agent || :
		bootstead-agent backup recover || fail "recover"
		is_clean "a kill at '$steps'"
	done
	say "killed and recovered"
else
	[ "$(first)" = 0 ] || fail "the database of a new disk holds what was lost"
	(
		until [ "$(first)" = 1 ] && [ "$(page)" = "$(cat /srv/copies/page)" ] && [ "$(kept)" = kept ]; do sleep 5; done 2>/dev/null
		say "all is back"
	) &
fi
say "the stacks run"
