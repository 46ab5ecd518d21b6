#!/bin/sh
# Leads the called route with this id (see query.sh) to skill queue 1.
set -eu
cd "$(dirname "$0")"
token=$(sh token.sh | sed -n 's/.*"AccessToken":"\([^"]*\)".*/\1/p')
curl -sSi -X POST "${BASE:-http://127.0.0.1:8080}/apiaccess/rest/cc-management/v1/calledRoute/modifyCalledRoute" -H 'Content-Type:application/json' -H "Authorization:Bearer $token" -H 'X-APP-Key:demo-key-0001' --data-binary "{\"id\":\"${1:?usage: modify.sh ID}\",\"devicetype\":1,\"deviceId\":1}"
