#!/bin/sh
# Recognises a call and ends the interaction, which is for that a new one unless you give a number.
# Usage: [BASE=URL] match-interaction-delete.sh [NUMBER]; without one, a number is lent first and recognised then
set -eu
cd "$(dirname "$0")"
. ../lib.sh
number=${1:-$(need _access_number "$(lend_gms request-interaction request-interaction.txt)")}
sed "s/^_access_number=[0-9]*/_access_number=$number/" match-interaction-delete.txt |
    curl -sSi -X POST "$BASE/genesys/1/service/match-interaction" --data-binary @-
echo
