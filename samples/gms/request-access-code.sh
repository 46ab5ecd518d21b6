#!/bin/sh
# Lends a number with a four-digit access code, tied to the caller's own number, for two minutes.
set -eu
cd "$(dirname "$0")"
curl -sSi -X POST "${BASE:-http://127.0.0.1:8080}/genesys/1/service/request-access" --data-binary @request-access-code.txt
