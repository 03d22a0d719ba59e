# Whether Docker runs as it was declared. A part of docker-host.nix, which sets: log (type, max-size, max-file), start (the
# first mapped user, 0 where none are mapped), count, exceptions (names of containers).
# shellcheck shell=bash disable=SC2154
failed=0
complain() {
  echo "$1" >&2
  failed=1
}

driver=$(docker info --format '{{.LoggingDriver}}')
[ "$driver" = "${log%% *}" ] || complain "Docker's log driver is $driver, not ${log%% *}"
if [ "$start" != 0 ]; then
  docker info --format '{{.SecurityOptions}}' | grep --quiet 'name=userns' || complain "Docker does not map users"
  folder=$(docker info --format '{{.DockerRootDir}}')
  [ "${folder##*/}" = "$start.$start" ] || complain "Docker maps users to ${folder##*/}, not to $start"
fi

mapfile -t containers < <(docker ps --quiet --no-trunc)
for container in "${containers[@]}"; do
  # One that ended meanwhile is none to look at.
  name=$(docker inspect --format '{{.Name}}' "$container" 2>/dev/null) || continue
  name=${name#/}
  own=$(docker inspect --format '{{with .HostConfig.LogConfig}}{{.Type}} {{index .Config "max-size"}} {{index .Config "max-file"}}{{end}}' "$container") || continue
  [ "$own" = "$log" ] ||
    echo "note: $name has its own log settings: $own. Make the container again to give it the host's: $log" >&2

  [ "$start" != 0 ] || continue
  excepted=
  for exception in $exceptions; do
    [ "$exception" != "$name" ] || excepted=yes
  done
  [ -z "$excepted" ] || continue
  process=$(docker inspect --format '{{.State.Pid}}' "$container") || continue
  owner=$(stat --format %u "/proc/$process" 2>/dev/null) || continue
  if [ "$owner" -lt "$start" ] || [ "$owner" -ge $((start + count)) ]; then
    complain "$name runs as user $owner of the host, outside of $start to $((start + count - 1)); name it in bootstead.roles.docker-host.userNamespace.exceptions if it has to"
  fi
done
exit $failed
