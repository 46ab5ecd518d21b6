#!/bin/sh
# Adds a number to the pool over REST; the answer is its id. The second time it says that the number exists (409).
# Usage: [BASE=URL] create.sh
set -eu
cd "$(dirname "$0")"
. ../lib.sh
curl -sSi -X POST "$BASE/interact/version/2/dnis" -H @headers-user.txt -H 'Content-Type: application/json' --data-binary @create.json
echo
