#!/bin/sh
# Imports a file of numbers, whole or not at all; the answer counts them.
set -eu
cd "$(dirname "$0")"
curl -sSi "${BASE:-http://127.0.0.1:8080}/gateway/v1/numbers/import" -u admin:password -H 'Content-Type: text/csv' --data-binary @../numbers.csv
