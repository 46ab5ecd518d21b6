#!/bin/sh
# Leads the access code 5550100 to the skill queue 7, over SOAP. Once it is routed, the answer is a fault that says so.
# Usage: [BASE=URL] create-called-route-soap.sh
set -eu
cd "$(dirname "$0")"
. ../lib.sh
curl -sSi -X POST "$BASE/gateway/v1/soap" -H @headers.txt -H 'Content-Type: text/xml; charset=utf-8' -H 'SOAPAction: "urn:dnis-gateway:v1/CreateCalledRoute"' --data-binary @create-called-route.xml
echo
