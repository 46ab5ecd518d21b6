#!/bin/sh
# Makes a skill queue for voice and video; the answer has its id.
set -eu
cd "$(dirname "$0")"
token=$(sh token.sh | sed -n 's/.*"AccessToken":"\([^"]*\)".*/\1/p')
curl -sSi -X POST "${BASE:-http://127.0.0.1:8080}/apiaccess/rest/cc-management/v1/skill/createSkill" -H 'Content-Type:application/json' -H "Authorization:Bearer $token" -H 'X-APP-Key:demo-key-0001' --data-binary @create-skill.json
