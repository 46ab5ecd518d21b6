#!/bin/sh
# Lends a number of the group DNIS with an access code and user data, over SOAP.
# Usage: [BASE=URL] [KEEP=1] request-access-soap.sh; without KEEP the number is given back when its answer was shown
set -eu
cd "$(dirname "$0")"
. ../lib.sh
answer=$(curl -sSi -X POST "$BASE/gateway/v1/soap" -H @headers.txt -H 'Content-Type: text/xml; charset=utf-8' -H 'SOAPAction: "urn:dnis-gateway:v1/RequestAccess"' --data-binary @request-access.xml)
printf '%s\n' "$answer"
give_back "$(value number "$answer")"
