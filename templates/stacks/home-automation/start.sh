#!/bin/sh
# Home Assistant refuses requests with a proxy's headers from whom it does not know, and makes the files that its
# own settings include only where it wrote the settings itself.
# https://www.home-assistant.io/integrations/http/#reverse-proxies
set -eu
cd /config
if [ ! -e configuration.yaml ]; then
  {
    printf 'default_config:\n\nhttp:\n  use_x_forwarded_for: true\n  trusted_proxies:\n'
    for proxy in $TRUSTED_PROXIES; do printf '    - "%s"\n' "$proxy"; done
    printf '\nautomation: !include automations.yaml\nscript: !include scripts.yaml\nscene: !include scenes.yaml\n'
  } > configuration.yaml.new
  for name in automations scripts scenes; do
    [ -e "$name.yaml" ] || : > "$name.yaml"
  done
  mv configuration.yaml.new configuration.yaml
fi
exec /init
