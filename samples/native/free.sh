#!/bin/sh
# Frees a number by the id of its allocation. The answer is 204 without a body.
# Usage: [BASE=URL] free.sh [ID]; without one, a number is lent first and freed then
set -eu
cd "$(dirname "$0")"
. ../lib.sh
id=${1:-$(need id "$(curl -sS -u admin:password "$BASE/gateway/v1/allocations" -H 'Content-Type: application/json' --data-binary @lend.json)")}
curl -sSi -u admin:password -X DELETE "$BASE/gateway/v1/allocations/$id"
