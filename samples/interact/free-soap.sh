#!/bin/sh
# Frees a number over SOAP: the envelope of the Interact documentation, at the address of the WSDL it names.
set -eu
cd "$(dirname "$0")"
curl -sSi -X POST "${BASE:-http://127.0.0.1:8080}/interact/version/2/agent/soap" -H @headers-user.txt -H 'Content-Type: text/xml; charset=utf-8' -H 'SOAPAction: ""' --data-binary @free.xml
