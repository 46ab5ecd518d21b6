#!/bin/sh
# Lends a number of the group DNIS to a running interaction: the example of the GMS documentation, one parameter a line.
set -eu
cd "$(dirname "$0")"
curl -sSi -X POST "${BASE:-http://127.0.0.1:8080}/genesys/1/service/request-access" --data-binary @request-access.txt
