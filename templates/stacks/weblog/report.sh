#!/bin/sh
# Writes the page again and again; with `check` tells whether it did so lately.
set -eu
page=/pages/index.html
if [ "${1-}" = check ]; then
  age=$(($(date +%s) - $(stat -c %Y "$page")))
  [ "$age" -lt $((INTERVAL * 3 + 60)) ]
  exit
fi
while :; do
  set -- /logs/proxy-host-*_access.log
  if [ -e "$1" ]; then
    goaccess --no-global-config --config-file=/etc/bootstead-goaccess.conf --no-progress -o "$page.new.html" "$@"
    mv "$page.new.html" "$page"
  else
    echo '<!doctype html><title>weblog</title><p>The proxy has written no log yet.' > "$page"
  fi
  sleep "$INTERVAL"
done
