#!/bin/sh
# Asks over REST which interaction a number (or its DNID) is lent to.
set -eu
cd "$(dirname "$0")"
curl -sSi "${BASE:-http://127.0.0.1:8080}/interact/version/2/dnis/allocate/get/${1:-380974520200}" -H @headers-ivr.txt
