#!/bin/sh
# Recognises a call and frees the number, over SOAP.
# Usage: [BASE=URL] match-interaction-soap.sh [NUMBER]; without one, a number is lent first and recognised then
set -eu
cd "$(dirname "$0")"
. ../lib.sh
number=${1:-$(need number "$(curl -sS -X POST "$BASE/gateway/v1/soap" -H @headers.txt -H 'Content-Type: text/xml; charset=utf-8' -H 'SOAPAction: "urn:dnis-gateway:v1/RequestAccess"' --data-binary @request-access.xml)")}
sed "s/>6504664130</>$number</" match-interaction.xml |
    curl -sSi -X POST "$BASE/gateway/v1/soap" -H @headers.txt -H 'Content-Type: text/xml; charset=utf-8' -H 'SOAPAction: "urn:dnis-gateway:v1/MatchInteraction"' --data-binary @-
echo
