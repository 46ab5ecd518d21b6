#!/bin/sh
# Frees a number over SOAP: the envelope of the Interact documentation, at the address of the WSDL it names.
# Usage: [BASE=URL] free-soap.sh [PHONE]; without one, a number is lent first and freed then
set -eu
cd "$(dirname "$0")"
. ../lib.sh
phone=${1:-$(need result "$(curl -sS -X POST "$BASE/interact/version/2/agent/soap" -H @headers-interaction.txt -H 'Content-Type: text/xml; charset=utf-8' -H 'SOAPAction: ""' --data-binary @allocate.xml)")}
sed "s/>222</>$phone</" free.xml |
    curl -sSi -X POST "$BASE/interact/version/2/agent/soap" -H @headers-user.txt -H 'Content-Type: text/xml; charset=utf-8' -H 'SOAPAction: ""' --data-binary @-
echo
