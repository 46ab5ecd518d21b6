#!/bin/sh
# Recognises a call and ends the interaction.
# Usage: match-interaction-delete.sh [NUMBER]; without arguments the body of match-interaction-delete.txt goes out as it is.
set -eu
cd "$(dirname "$0")"
sed -e "s/^_access_number=[0-9]*/_access_number=${1:-6504664130}/" match-interaction-delete.txt |
    curl -sSi -X POST "${BASE:-http://127.0.0.1:8080}/genesys/1/service/match-interaction" --data-binary @-
