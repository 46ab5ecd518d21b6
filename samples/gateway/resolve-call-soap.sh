#!/bin/sh
# Asks over SOAP whose call to 6504664130 it is, and where it goes.
set -eu
cd "$(dirname "$0")"
curl -sSi -X POST "${BASE:-http://127.0.0.1:8080}/gateway/v1/soap" -H @headers.txt -H 'Content-Type: text/xml; charset=utf-8' -H 'SOAPAction: "urn:dnis-gateway:v1/ResolveCall"' --data-binary @resolve-call.xml
