#!/bin/sh
# The server, or with `ping` a question to it.
set -eu
password=$(cat /run/secrets/VALKEY_PASSWORD)
if [ "${1-}" = ping ]; then
  answer=$(REDISCLI_AUTH="$password" valkey-cli ping)
  echo "$answer"
  [ "$answer" = PONG ]
  exit
fi
exec docker-entrypoint.sh valkey-server - <<SETTINGS
dir /data
appendonly yes
requirepass $password
SETTINGS
