#!/bin/sh
# Deletes called routes by their configuration numbers (dnid, see query.sh).
# Usage: [BASE=URL] delete.sh [DNID[,DNID]...]; without any, the route of create.sh, which is made first if it is not there
set -eu
cd "$(dirname "$0")"
. ../lib.sh
dnids=${1:-$(route dnid)}
show_aicc calledRoute/deleteCalledRoute "{\"dnids\":\"$dnids\"}"
