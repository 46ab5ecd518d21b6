#!/bin/sh
# Starts an interaction and lends it a number with an access code; customer_name and language are kept as its user data.
set -eu
cd "$(dirname "$0")"
curl -sSi -X POST "${BASE:-http://127.0.0.1:8080}/genesys/1/service/request-interaction" --data-binary @request-interaction.txt
