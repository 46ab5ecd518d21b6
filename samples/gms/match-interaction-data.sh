#!/bin/sh
# Recognises a call and gives back the interaction's user data; JSON.
# Usage: [BASE=URL] match-interaction-data.sh [NUMBER]; without one, a number is lent first and recognised then
set -eu
cd "$(dirname "$0")"
. ../lib.sh
number=${1:-$(need _access_number "$(lend_gms request-interaction request-interaction.txt)")}
sed "s/^_access_number=[0-9]*/_access_number=$number/" match-interaction-data.txt |
    curl -sSi -X POST "$BASE/genesys/1/service/match-interaction" -H 'Accept: application/json' --data-binary @-
echo
