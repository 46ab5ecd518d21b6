#!/bin/sh
# Adds a number to the pool over SOAP; the result is its id. The second time it says that the number exists.
# Usage: [BASE=URL] create-soap.sh
set -eu
cd "$(dirname "$0")"
. ../lib.sh
curl -sSi -X POST "$BASE/interact/version/2/dnis/soap" -H @headers-user.txt -H 'Content-Type: text/xml; charset=utf-8' -H 'SOAPAction: ""' --data-binary @create.xml
echo
