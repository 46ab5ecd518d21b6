#!/bin/sh
# Makes a called route: whoever dials the access code reaches a skill queue. Once it is routed, the answer says so (409).
# Usage: [BASE=URL] route.sh
set -eu
cd "$(dirname "$0")"
. ../lib.sh
curl -sSi -u admin:password "$BASE/gateway/v1/routes" -H 'Content-Type: application/json' --data-binary @route.json
echo
