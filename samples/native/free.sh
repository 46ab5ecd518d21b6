#!/bin/sh
# Frees a number by the id of its allocation, by default 1.
set -eu
cd "$(dirname "$0")"
curl -sSi -u admin:password -X DELETE "${BASE:-http://127.0.0.1:8080}/gateway/v1/allocations/${1:-1}"
