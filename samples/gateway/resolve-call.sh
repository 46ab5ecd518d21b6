#!/bin/sh
# Asks over JSON whose call it is, and where it goes; nothing changes by it.
# Usage: [BASE=URL] [KEEP=1] resolve-call.sh [NUMBER]; without one, a number is lent first
set -eu
cd "$(dirname "$0")"
. ../lib.sh
number=${1:-$(need number "$(curl -sS -X POST "$BASE/gateway/v1/soap" -H @headers.txt -H 'Content-Type: text/xml; charset=utf-8' -H 'SOAPAction: "urn:dnis-gateway:v1/RequestAccess"' --data-binary @request-access.xml)")}
sed "s/6504664130/$number/" resolve-call.json |
    curl -sSi -X POST "$BASE/gateway/v1/calls/resolve" -H @headers.txt -H 'Content-Type: application/json' --data-binary @-
echo
[ $# -gt 0 ] || give_back "$number"
