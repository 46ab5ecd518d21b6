#!/bin/sh
# Makes a skill queue for voice and video; the answer has its id. The second time it says that the name is taken (returnCode
# 120002).
# Usage: [BASE=URL] create-skill.sh
set -eu
cd "$(dirname "$0")"
. ../lib.sh
show_aicc skill/createSkill @create-skill.json
