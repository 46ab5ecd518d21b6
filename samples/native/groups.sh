#!/bin/sh
# Lists the groups with how their numbers stand.
# Usage: [BASE=URL] groups.sh
set -eu
cd "$(dirname "$0")"
. ../lib.sh
curl -sSi -u admin:password "$BASE/gateway/v1/groups"
echo
