#!/bin/sh
# Adds a number to the pool.
set -eu
cd "$(dirname "$0")"
curl -sSi -u admin:password "${BASE:-http://127.0.0.1:8080}/gateway/v1/numbers" -H 'Content-Type: application/json' --data-binary @create.json
