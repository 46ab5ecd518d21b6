#!/bin/sh
# Lists skill queue 7.
# Usage: [BASE=URL] skills.sh
set -eu
cd "$(dirname "$0")"
. ../lib.sh
show_aicc skill/querySkills @skills.json
