#!/bin/sh
# Lends a number of the group test over REST.
# Usage: [BASE=URL] [KEEP=1] allocate.sh; without KEEP the number is given back when its answer was shown
set -eu
cd "$(dirname "$0")"
. ../lib.sh
answer=$(curl -sSi -X POST "$BASE/interact/version/2/dnis/allocate/new" -H @headers-interaction.txt -H 'Content-Type: application/json' --data-binary @allocate.json)
printf '%s\n' "$answer"
give_back "$(printf '%s\n' "$answer" | sed -n '$s/^\([0-9*#+]\{1,32\}\)$/\1/p')"
