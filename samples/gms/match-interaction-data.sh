#!/bin/sh
# Recognises a call and gives back the interaction's user data; JSON.
# Usage: match-interaction-data.sh [NUMBER]; without arguments the body of match-interaction-data.txt goes out as it is.
set -eu
cd "$(dirname "$0")"
sed -e "s/^_access_number=[0-9]*/_access_number=${1:-6504664130}/" match-interaction-data.txt |
    curl -sSi -X POST "${BASE:-http://127.0.0.1:8080}/genesys/1/service/match-interaction" -H 'Accept: application/json' --data-binary @-
