#!/bin/sh
# Recognises a call by dialled number, access code and caller.
# Usage: [BASE=URL] match-interaction-code.sh [NUMBER CODE]; without them, a number with a code is lent first and recognised then
set -eu
cd "$(dirname "$0")"
. ../lib.sh
if [ $# -lt 2 ]; then
    lent=$(lend_gms request-access request-access-code.txt)
    set -- "$(need _access_number "$lent")" "$(need _access_code "$lent")"
fi
sed -e "s/^_access_number=[0-9]*/_access_number=$1/" -e "s/_access_code=[0-9]*/_access_code=$2/" match-interaction-code.txt |
    curl -sSi -X POST "$BASE/genesys/1/service/match-interaction" --data-binary @-
echo
