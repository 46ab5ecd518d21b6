#!/bin/sh
# Lists the IVR flows.
# Usage: [BASE=URL] ivr-flows.sh
set -eu
cd "$(dirname "$0")"
. ../lib.sh
show_aicc ivrFlow/queryIVRFlowList '{}'
