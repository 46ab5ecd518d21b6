#!/bin/sh
# Adds a number to the pool over REST; the answer is its id.
set -eu
cd "$(dirname "$0")"
curl -sSi -X POST "${BASE:-http://127.0.0.1:8080}/interact/version/2/dnis" -H @headers-user.txt -H 'Content-Type: application/json' --data-binary @create.json
