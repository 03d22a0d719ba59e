#!/bin/sh
# shellcheck shell=dash
# Runs on the lab's node: snapshots and backups of a stack by the agent. LVM, mounts and kills are real. The container
# engine and Borg are stand-ins made here, because the node has neither: the engine keeps a list of what runs, and the
# repository is a folder that a copy is made in.
set -eu
say() { echo "node-work: $*"; }
fail() { say "FAILED: $*"; exit 1; }

mkdir -p /run/stand-ins /run/engine /run/repository /run/bootstead/secrets /etc/bootstead
echo passphrase >/run/bootstead/secrets/borg-wiki
echo server >/run/engine/running
# The lab's node has no udev rules of the device mapper that LVM could wait for.
for name in lvcreate lvremove lvchange lvconvert; do
	real=$(command -v $name)
	cat >/run/stand-ins/$name <<END
#!/bin/sh
exec $real --config 'activation { udev_sync = 0 udev_rules = 0 monitoring = 0 }' "\$@"
END
done
cat >/run/stand-ins/docker <<'END'
#!/bin/sh
shift 7
verb=$1
case "$verb" in
ps) case "$*" in *running*) cat /run/engine/running ;; esac ;;
stop) : >/run/engine/running ;;
start | up) echo server >/run/engine/running ;;
exec) echo pong ;;
esac
END
cat >/run/stand-ins/borg <<'END'
#!/bin/sh
verb=$4
case "$verb" in
info | prune | compact | check | break-lock) ;;
create)
	[ ! -e /run/kill ] || kill -9 $PPID
	rm -rf /run/repository/archive
	cp -a . /run/repository/archive
	touch stand-in 2>/dev/null && rm stand-in
	touch volumes/pages/stand-in 2>/dev/null && echo "writable" >/run/repository/writable
	echo '{"archive":{"stats":{"original_size":1,"deduplicated_size":1,"nfiles":1}}}'
	;;
*) exit 2 ;;
esac
END
chmod +x /run/stand-ins/*
export PATH=/run/stand-ins:$PATH

pages=/srv/appdata/wiki/pages
cat >/etc/bootstead/stacks.json <<END
{"schema":1,"machine":"node1","engine":"docker","directory":"/run/stacks","networks":[],"routes":[],"names":[],
"hub":{"design":"none"},"monitors":[],"stacks":[{"name":"wiki","template":"wiki","order":70,"digest":"1","compose":"{}",
"configurations":{},"secrets":[],"dependsOn":[],"routes":[],"monitors":[],"isKubernetesCandidate":false,
"volumes":[{"name":"pages","class":"appdata","path":"$pages","owner":{"user":0,"group":0},"isShared":false,
"isBackedUp":true,"size":134217728}],"backup":{"quiesce":"stop","dump":[],"restore":[],"exclude":[],
"verify":[{"service":"server","command":["ping"],"expect":"pong"}]}}]}
END
cat >/etc/bootstead/backup.json <<END
{"schema":1,"ping":null,"repositories":{"nas":{"type":"borg","url":"/run/repository","hostKey":null,
"passphraseFile":"/run/bootstead/secrets/borg-wiki","sshKeyFile":null,"environmentFiles":{}}},
"plans":{"borg":{"design":"borg-per-service","tier":1,"stacks":["wiki"],"repository":"nas",
"settings":{"encryption":"repokey-blake2","compression":"none","exclude":[],
"retention":{"last":0,"daily":7,"weekly":0,"monthly":0,"yearly":0},"stackRetention":{},"checkSchedule":"weekly",
"passphraseFiles":{}}}}}
END
is_clean() {
	[ "$(cat /run/engine/running)" = server ] || fail "$1: the service does not run"
	! lvs --noheadings -o lv_name | grep -q backup || fail "$1: a snapshot is left: $(lvs --noheadings -o lv_name)"
	! grep -q /var/lib/bootstead/backup /proc/mounts || fail "$1: a mount is left"
	[ ! -e /var/lib/bootstead/backup/wiki/journal.json ] || fail "$1: the journal is left"
}

bootstead-agent stacks apply || fail "apply"
grep -q " /srv/appdata/wiki ext4" /proc/mounts || fail "the stack has no file system of its own"
bootstead-agent stacks apply || fail "the second apply"

echo one >$pages/page
bootstead-agent snapshot create before wiki || fail "snapshot create"
echo two >$pages/page
sync
bootstead-agent snapshot rollback wiki before --yes || fail "snapshot rollback"
[ "$(cat $pages/page)" = one ] || fail "the rollback gave $(cat $pages/page)"
lvs --noheadings -o lv_name | grep -q manual || fail "the rollback used the snapshot up"
bootstead-agent snapshot destroy wiki before || fail "snapshot destroy"
say "rolled back"

# Somebody writes all the time: what is copied is what was there when the service stood still.
while :; do date +%N >>$pages/growing; done &
writer=$!
bootstead-agent backup run borg || fail "backup run"
kill $writer
is_clean "a run"
cmp -s $pages/page /run/repository/archive/volumes/pages/page || fail "the copy differs"
[ ! -e /run/repository/writable ] || fail "the snapshot was writable"
say "backed up"

touch /run/kill
bootstead-agent backup run borg && fail "the agent was not killed"
lvs --noheadings -o lv_name | grep -q backup || fail "the kill came too early: there is no snapshot"
rm /run/kill
bootstead-agent backup recover || fail "recover"
is_clean "a kill"
bootstead-agent backup run borg || fail "the run after a kill"
is_clean "the run after a kill"
bootstead-agent storage show || say "storage show has alarms"
say "killed and recovered"
