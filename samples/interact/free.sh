#!/bin/sh
# Frees a number over REST, as the Interact documentation's example does. The answer is 200 with an empty body.
# Usage: [BASE=URL] free.sh [PHONE]; without one, a number is lent first and freed then
set -eu
cd "$(dirname "$0")"
. ../lib.sh
phone=${1:-$(curl -sS -X POST "$BASE/interact/version/2/dnis/allocate/new" -H @headers-interaction.txt -H 'Content-Type: application/json' --data-binary @allocate.json)}
curl -sSi -X POST "$BASE/interact/version/2/dnis/allocate/free/$phone" -H @headers-user.txt
echo
