#!/bin/sh
# Adds a number to the pool. The second time it says that the number exists (409).
# Usage: [BASE=URL] create.sh
set -eu
cd "$(dirname "$0")"
. ../lib.sh
curl -sSi -u admin:password "$BASE/gateway/v1/numbers" -H 'Content-Type: application/json' --data-binary @create.json
echo
