#!/bin/sh
# Asks over REST which interaction a number (or its DNID) is lent to.
# Usage: [BASE=URL] [KEEP=1] get.sh [PHONE]; without one, a number is lent first
set -eu
cd "$(dirname "$0")"
. ../lib.sh
phone=${1:-$(curl -sS -X POST "$BASE/interact/version/2/dnis/allocate/new" -H @headers-interaction.txt -H 'Content-Type: application/json' --data-binary @allocate.json)}
curl -sSi "$BASE/interact/version/2/dnis/allocate/get/$phone" -H @headers-ivr.txt
echo
[ $# -gt 0 ] || give_back "$phone"
