#!/bin/sh
# Lends a number with an access code of four digits and some data for the agent.
# Usage: [BASE=URL] [KEEP=1] lend.sh; without KEEP the number is given back when its answer was shown
set -eu
cd "$(dirname "$0")"
. ../lib.sh
answer=$(curl -sSi -u admin:password "$BASE/gateway/v1/allocations" -H 'Content-Type: application/json' --data-binary @lend.json)
printf '%s\n' "$answer"
give_back "$(value number "$answer")"
