#!/bin/sh
# Imports a file of numbers, whole or not at all; the answer counts them. The second time every row is a bad one (422), since
# its number exists.
# Usage: [BASE=URL] import.sh
set -eu
cd "$(dirname "$0")"
. ../lib.sh
curl -sSi "$BASE/gateway/v1/numbers/import" -u admin:password -H 'Content-Type: text/csv' --data-binary @../numbers.csv
echo
