#!/bin/sh
# Writes the numbers of a group (by default test) as a file that can be imported.
set -eu
curl -sSi "${BASE:-http://127.0.0.1:8080}/gateway/v1/numbers/export?group=${1:-test}" -u admin:password
