#!/bin/sh
# Leads the access code 5550100 to the skill queue 7, over SOAP.
set -eu
cd "$(dirname "$0")"
curl -sSi -X POST "${BASE:-http://127.0.0.1:8080}/gateway/v1/soap" -H @headers.txt -H 'Content-Type: text/xml; charset=utf-8' -H 'SOAPAction: "urn:dnis-gateway:v1/CreateCalledRoute"' --data-binary @create-called-route.xml
