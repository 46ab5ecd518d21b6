#!/bin/sh
# Deletes the skill queues with these ids.
set -eu
cd "$(dirname "$0")"
token=$(sh token.sh | sed -n 's/.*"AccessToken":"\([^"]*\)".*/\1/p')
curl -sSi -X POST "${BASE:-http://127.0.0.1:8080}/apiaccess/rest/cc-management/v1/skill/deleteSkill" -H 'Content-Type:application/json' -H "Authorization:Bearer $token" -H 'X-APP-Key:demo-key-0001' --data-binary "{\"skillIds\":\"${1:?usage: delete-skill.sh ID[,ID]...}\"}"
