#!/bin/sh
# Deletes skill queues.
# Usage: [BASE=URL] delete-skill.sh [ID[,ID]...]; without any, a queue is made first
set -eu
cd "$(dirname "$0")"
. ../lib.sh
ids=${1:-$(make_skill)}
show_aicc skill/deleteSkill "{\"skillIds\":\"$ids\"}"
