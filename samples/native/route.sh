#!/bin/sh
# Makes a called route: whoever dials the access code reaches a skill queue.
set -eu
cd "$(dirname "$0")"
curl -sSi -u admin:password "${BASE:-http://127.0.0.1:8080}/gateway/v1/routes" -H 'Content-Type: application/json' --data-binary @route.json
