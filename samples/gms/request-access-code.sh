#!/bin/sh
# Lends a number with a four-digit access code, tied to the caller's own number, for two minutes.
# Usage: [BASE=URL] [KEEP=1] request-access-code.sh; without KEEP the number is given back when its answer was shown
set -eu
cd "$(dirname "$0")"
. ../lib.sh
answer=$(curl -sSi -X POST "$BASE/genesys/1/service/request-access" --data-binary @request-access-code.txt)
printf '%s\n' "$answer"
give_back "$(value _access_number "$answer")"
