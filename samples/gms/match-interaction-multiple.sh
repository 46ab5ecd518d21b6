#!/bin/sh
# Lists every interaction that the dialled number may belong to; JSON, as in the documentation.
# Usage: [BASE=URL] match-interaction-multiple.sh [NUMBER]; without one, a number is lent first and recognised then
set -eu
cd "$(dirname "$0")"
. ../lib.sh
number=${1:-$(need _access_number "$(lend_gms request-access request-access.txt)")}
sed "s/^_access_number=[0-9]*/_access_number=$number/" match-interaction-multiple.txt |
    curl -sSi -X POST "$BASE/genesys/1/service/match-interaction" -H 'Accept: application/json' --data-binary @-
echo
