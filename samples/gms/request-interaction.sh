#!/bin/sh
# Starts an interaction and lends it a number with an access code; customer_name and language are kept as its user data.
# Usage: [BASE=URL] [KEEP=1] request-interaction.sh; without KEEP the number is given back when its answer was shown
set -eu
cd "$(dirname "$0")"
. ../lib.sh
answer=$(curl -sSi -X POST "$BASE/genesys/1/service/request-interaction" --data-binary @request-interaction.txt)
printf '%s\n' "$answer"
give_back "$(value _access_number "$answer")"
