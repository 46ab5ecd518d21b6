#!/bin/sh
# Lends a number with an access code of four digits and some data for the agent.
set -eu
cd "$(dirname "$0")"
curl -sSi -u admin:password "${BASE:-http://127.0.0.1:8080}/gateway/v1/allocations" -H 'Content-Type: application/json' --data-binary @lend.json
