#!/bin/sh
# Recognises a call by the dialled number alone, and frees the number.
# Usage: match-interaction.sh [NUMBER]; without arguments the body of match-interaction.txt goes out as it is.
set -eu
cd "$(dirname "$0")"
sed -e "s/^_access_number=[0-9]*/_access_number=${1:-6504664130}/" match-interaction.txt |
    curl -sSi -X POST "${BASE:-http://127.0.0.1:8080}/genesys/1/service/match-interaction" --data-binary @-
