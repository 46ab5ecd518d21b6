#!/bin/sh
# Writes the numbers of a group as a file that can be imported.
# Usage: [BASE=URL] export.sh [GROUP]; without one, the group test
set -eu
cd "$(dirname "$0")"
. ../lib.sh
curl -sSi "$BASE/gateway/v1/numbers/export?group=${1:-test}" -u admin:password
