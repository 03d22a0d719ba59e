#!/bin/sh
# A page of its own where there is none, with the digest of the secret that it got.
[ -e /pages/index.html ] || echo "greetings $(printf %s "$GREETING_TOKEN" | sha256sum)" >/pages/index.html
echo "serving"
exec httpd -f -p 8080 -h /pages
