#!/bin/sh
# Asks over SOAP which interaction a number is lent to.
set -eu
cd "$(dirname "$0")"
curl -sSi -X POST "${BASE:-http://127.0.0.1:8080}/interact/version/2/agent/soap" -H @headers-ivr.txt -H 'Content-Type: text/xml; charset=utf-8' -H 'SOAPAction: ""' --data-binary @get.xml
