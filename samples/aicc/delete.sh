#!/bin/sh
# Deletes the called routes with these configuration numbers (dnid, see query.sh).
set -eu
cd "$(dirname "$0")"
token=$(sh token.sh | sed -n 's/.*"AccessToken":"\([^"]*\)".*/\1/p')
curl -sSi -X POST "${BASE:-http://127.0.0.1:8080}/apiaccess/rest/cc-management/v1/calledRoute/deleteCalledRoute" -H 'Content-Type:application/json' -H "Authorization:Bearer $token" -H 'X-APP-Key:demo-key-0001' --data-binary "{\"dnids\":\"${1:?usage: delete.sh DNID[,DNID]...}\"}"
