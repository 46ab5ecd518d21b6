#!/bin/sh
# Lists every interaction that the dialled number may belong to; JSON, as in the documentation.
# Usage: match-interaction-multiple.sh [NUMBER]; without arguments the body of match-interaction-multiple.txt goes out as it is.
set -eu
cd "$(dirname "$0")"
sed -e "s/^_access_number=[0-9]*/_access_number=${1:-6504664130}/" match-interaction-multiple.txt |
    curl -sSi -X POST "${BASE:-http://127.0.0.1:8080}/genesys/1/service/match-interaction" -H 'Accept: application/json' --data-binary @-
