#!/bin/sh
# Lets callers of a skill queue wait for two minutes.
# Usage: [BASE=URL] modify-skill.sh [ID]; without one, a queue is made first and deleted at the end
set -eu
cd "$(dirname "$0")"
. ../lib.sh
id=${1:-$(make_skill)}
show_aicc skill/modifySkill "{\"skillId\":$id,\"maxWaitTime\":120}"
[ $# -gt 0 ] || aicc skill/deleteSkill "{\"skillIds\":\"$id\"}" >/dev/null
