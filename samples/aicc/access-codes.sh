#!/bin/sh
# Lists the access codes for voice and video that have 5550 in them.
# Usage: [BASE=URL] access-codes.sh
set -eu
cd "$(dirname "$0")"
. ../lib.sh
show_aicc accessCodeInfo/queryAccessCodeList @access-codes.json
