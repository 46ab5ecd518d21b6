#!/bin/sh
# Adds a number to the pool over SOAP; the result is its id.
set -eu
cd "$(dirname "$0")"
curl -sSi -X POST "${BASE:-http://127.0.0.1:8080}/interact/version/2/dnis/soap" -H @headers-user.txt -H 'Content-Type: text/xml; charset=utf-8' -H 'SOAPAction: ""' --data-binary @create.xml
