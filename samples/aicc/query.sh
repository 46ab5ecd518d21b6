#!/bin/sh
# Lists the called routes of access code 9911411, with the id that modify.sh and the dnid that delete.sh take. The route of
# create.sh is made first if it is not there.
# Usage: [BASE=URL] query.sh
set -eu
cd "$(dirname "$0")"
. ../lib.sh
route id >/dev/null
show_aicc calledRoute/queryCalledRoute @query.json
