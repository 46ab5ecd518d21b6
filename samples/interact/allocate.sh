#!/bin/sh
# Lends a number of the group test over REST.
set -eu
cd "$(dirname "$0")"
curl -sSi -X POST "${BASE:-http://127.0.0.1:8080}/interact/version/2/dnis/allocate/new" -H @headers-interaction.txt -H 'Content-Type: application/json' --data-binary @allocate.json
