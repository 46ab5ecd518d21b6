#!/bin/sh
# Leads a called route to skill queue 1.
# Usage: [BASE=URL] modify.sh [ID]; without one, the route of create.sh
set -eu
cd "$(dirname "$0")"
. ../lib.sh
id=${1:-$(route id)}
show_aicc calledRoute/modifyCalledRoute "{\"id\":\"$id\",\"devicetype\":1,\"deviceId\":1}"
