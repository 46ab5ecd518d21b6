#!/bin/sh
# Sends callers of 9911411, extension 11, to skill queue 1: the example of the AICC documentation. The second time it says
# that the number has a destination (returnCode 120002).
# Usage: [BASE=URL] create.sh
set -eu
cd "$(dirname "$0")"
. ../lib.sh
show_aicc calledRoute/createCalledRoute @create.json
