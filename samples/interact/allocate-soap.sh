#!/bin/sh
# Lends a number of the group samples over SOAP.
set -eu
cd "$(dirname "$0")"
curl -sSi -X POST "${BASE:-http://127.0.0.1:8080}/interact/version/2/agent/soap" -H @headers-interaction.txt -H 'Content-Type: text/xml; charset=utf-8' -H 'SOAPAction: ""' --data-binary @allocate.xml
