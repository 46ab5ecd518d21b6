#!/bin/sh
# Asks over JSON whose call to 6504664130 it is, and where it goes.
set -eu
cd "$(dirname "$0")"
curl -sSi -X POST "${BASE:-http://127.0.0.1:8080}/gateway/v1/calls/resolve" -H @headers.txt -H 'Content-Type: application/json' --data-binary @resolve-call.json
