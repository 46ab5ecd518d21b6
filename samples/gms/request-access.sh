#!/bin/sh
# Lends a number of the group DNIS to a running interaction: the example of the GMS documentation, one parameter a line.
# Usage: [BASE=URL] [KEEP=1] request-access.sh; without KEEP the number is given back when its answer was shown
set -eu
cd "$(dirname "$0")"
. ../lib.sh
answer=$(curl -sSi -X POST "$BASE/genesys/1/service/request-access" --data-binary @request-access.txt)
printf '%s\n' "$answer"
give_back "$(value _access_number "$answer")"
