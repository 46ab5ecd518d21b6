#!/bin/sh
# Lists the called routes of access code 9911411, with the id that modify and the dnid that delete want.
set -eu
cd "$(dirname "$0")"
token=$(sh token.sh | sed -n 's/.*"AccessToken":"\([^"]*\)".*/\1/p')
curl -sSi -X POST "${BASE:-http://127.0.0.1:8080}/apiaccess/rest/cc-management/v1/calledRoute/queryCalledRoute" -H 'Content-Type:application/json' -H "Authorization:Bearer $token" -H 'X-APP-Key:demo-key-0001' --data-binary @query.json
