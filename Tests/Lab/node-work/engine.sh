#!/bin/sh
# shellcheck shell=dash
# Runs on the lab's node, with the disk that `engine-disk` makes: stacks in a real container engine on LVM thin volumes,
# backed up by a real Borg while they write, with the agent killed, their data lost, and restored.
set -eu
say() { echo "engine: $*"; }
fail() {
	say "FAILED: $*"
	exit 1
}

ip link set lo up
ip address add 127.0.0.1/8 dev lo 2>/dev/null || :
# What is mounted below /srv later is seen in the chroot too, and what is unmounted goes there too.
mount --make-rshared /
mkdir -p /run/engine/disk /run/engine/upper /run/engine/work /engine /run/stand-ins /run/bootstead/secrets /etc/bootstead
mount -t ext4 -o ro "$(blkid -L engine)" /run/engine/disk
mount -t overlay -o lowerdir=/run/engine/disk,upperdir=/run/engine/upper,workdir=/run/engine/work overlay /engine
mountpoint -q /sys/fs/cgroup || mount -t cgroup2 cgroup2 /sys/fs/cgroup
mkdir -p /srv /var/lib/docker
for folder in proc sys dev run srv var/lib tmp; do mount --rbind /$folder /engine/$folder; done
for module in overlay bridge veth br_netfilter nf_tables nft_compat nft_chain_nat xt_MASQUERADE xt_addrtype xt_conntrack \
	xt_nat xt_tcpudp; do
	modprobe -q $module || say "there is no module $module"
done

# The lab's node has no udev rules of the device mapper that LVM could wait for.
for name in lvcreate lvremove lvchange lvconvert; do
	real=$(command -v $name)
	cat >/run/stand-ins/$name <<END
#!/bin/sh
exec $real --config 'activation { udev_sync = 0 udev_rules = 0 monitoring = 0 }' "\$@"
END
done
for name in docker borg; do
	cat >/run/stand-ins/$name <<END
#!/bin/sh
exec chroot /engine /bin/sh -c 'cd "\$0" && PATH=/usr/sbin:/usr/bin:/sbin:/bin HOME=/root exec "\$@"' "\$PWD" $name "\$@"
END
done
chmod +x /run/stand-ins/*
export PATH=/run/stand-ins:$PATH
chroot /engine /bin/sh -c 'PATH=/usr/sbin:/usr/bin:/sbin:/bin HOME=/root exec dockerd --iptables=true' >/run/dockerd.log 2>&1 &
count=0
until docker version >/dev/null 2>&1; do
	count=$((count + 1))
	[ $count -lt 120 ] || {
		tail -n 30 /run/dockerd.log
		fail "the engine does not start"
	}
	sleep 1
done
docker load -q -i /lab/images.tar >/dev/null
say "the engine runs: $(docker version --format '{{.Server.Version}}'), $(docker info --format '{{.Driver}}')"

umask 077
echo "a password" >/run/bootstead/secrets/ledger-password
chown 999:999 /run/bootstead/secrets/ledger-password
echo "a token" >/run/bootstead/secrets/pages-token
echo "a passphrase" >/run/bootstead/secrets/borg
umask 022
cat >/etc/bootstead/backup.json <<END
{"schema":1,"ping":null,"repositories":{"nas":{"type":"borg","url":"/var/lib/repositories","hostKey":null,
"passphraseFile":"/run/bootstead/secrets/borg","sshKeyFile":null,"environmentFiles":{}}},
"plans":{"borg":{"design":"borg-per-service","tier":1,"stacks":["ledger","pages"],"repository":"nas",
"settings":{"encryption":"repokey-blake2","compression":"lz4","exclude":[],
"retention":{"last":3,"daily":0,"weekly":0,"monthly":0,"yearly":0},"stackRetention":{},"checkSchedule":"weekly",
"passphraseFiles":{}}}}}
END
# The lab's machine has one data volume, so that each class lies beside it.
mkdir -p /srv/appdata
sed 's#/srv/\(db\|photos\|scratch\)/#/srv/appdata/#g' /engine/lab/stacks.json >/etc/bootstead/stacks.json
is_clean() {
	! lvs --noheadings -o lv_name | grep -q '\.backup\.' || fail "$1: a snapshot is left: $(lvs --noheadings -o lv_name)"
	! grep -q ' /var/lib/bootstead/backup' /proc/mounts || fail "$1: a mount is left"
	for stack in ledger pages; do
		[ ! -e /var/lib/bootstead/backup/$stack/journal.json ] || fail "$1: the journal of $stack is left"
		[ ! -e /var/lib/repositories/$stack/lock.exclusive ] || fail "$1: the lock of $stack is left"
	done
	[ -z "$(docker ps --all --quiet --filter status=exited --filter status=paused --filter status=created)" ] ||
		fail "$1: $(docker ps --all)"
}
query() { docker exec ledger-database-1 psql -U ledger -d ledger -Atc "$1"; }

bootstead-agent stacks apply || fail "apply: $(docker ps --all)"
grep -q ' /srv/appdata/ledger ext4' /proc/mounts || fail "the ledger has no thin volume of its own"
query "insert into entries (account, amount) values ('first', 0)" >/dev/null
page=$(docker exec pages-server-1 wget -q -O - http://127.0.0.1:8080/)
say "the stacks run"

bootstead-agent backup init || fail "backup init"
bootstead-agent backup run borg || fail "backup run"
is_clean "a run"
say "backed up"

for delay in 1 2 4 7; do
	bootstead-agent backup run borg &
	agent=$!
	sleep $delay
	kill -9 $agent 2>/dev/null || :
	wait $agent || :
	bootstead-agent backup recover || fail "recover"
	is_clean "a kill after $delay s"
done
say "killed and recovered"

# The volumes of both stacks are gone, and so is what the agent knew.
for stack in ledger pages; do
	docker ps --all --quiet --filter name=^$stack- | xargs -r docker rm --force >/dev/null
	volume=$(awk -v target=/srv/appdata/$stack '$2 == target { print $1 }' /proc/mounts | head -n 1)
	umount /srv/appdata/$stack
	lvremove --yes "$volume" >/dev/null
done
rm -rf /var/lib/bootstead/backup /var/lib/bootstead/borg /var/lib/bootstead/stacks
bootstead-agent stacks apply || fail "apply after the loss"
[ "$(query "select count(*) from entries")" != "" ] || fail "the new database does not answer"
for stack in ledger pages; do bootstead-agent backup restore $stack || fail "restore of $stack"; done
[ "$(query "select count(*) from entries where account = 'first'")" = 1 ] || fail "the first entry did not come back"
[ "$(docker exec pages-server-1 wget -q -O - http://127.0.0.1:8080/)" = "$page" ] || fail "the page did not come back"
is_clean "the restore"
say "restored"
