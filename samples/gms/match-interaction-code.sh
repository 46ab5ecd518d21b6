#!/bin/sh
# Recognises a call by dialled number, access code and caller.
# Usage: match-interaction-code.sh [NUMBER CODE]; without arguments the body of match-interaction-code.txt goes out as it is.
set -eu
cd "$(dirname "$0")"
sed -e "s/^_access_number=[0-9]*/_access_number=${1:-6504664130}/" -e "s/_access_code=[0-9]*/_access_code=${2:-1234}/" match-interaction-code.txt |
    curl -sSi -X POST "${BASE:-http://127.0.0.1:8080}/genesys/1/service/match-interaction" --data-binary @-
