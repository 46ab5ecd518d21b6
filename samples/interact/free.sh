#!/bin/sh
# Frees a number over REST: the example of the Interact documentation. The answer is 200 with an empty body.
set -eu
cd "$(dirname "$0")"
curl -sSi -X POST "${BASE:-http://127.0.0.1:8080}/interact/version/2/dnis/allocate/free/${1:-380974520200}" -H @headers-user.txt
