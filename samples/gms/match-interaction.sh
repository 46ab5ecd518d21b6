#!/bin/sh
# Recognises a call by the dialled number alone, and frees the number.
# Usage: [BASE=URL] match-interaction.sh [NUMBER]; without one, a number is lent first and recognised then
set -eu
cd "$(dirname "$0")"
. ../lib.sh
number=${1:-$(need _access_number "$(lend_gms request-access request-access.txt)")}
sed "s/^_access_number=[0-9]*/_access_number=$number/" match-interaction.txt |
    curl -sSi -X POST "$BASE/genesys/1/service/match-interaction" --data-binary @-
echo
