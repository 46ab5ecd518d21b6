#!/bin/sh
# Lists the groups with how their numbers stand.
set -eu
cd "$(dirname "$0")"
curl -sSi -u admin:password "${BASE:-http://127.0.0.1:8080}/gateway/v1/groups"
