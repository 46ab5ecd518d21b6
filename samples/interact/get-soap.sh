#!/bin/sh
# Asks over SOAP which interaction a number is lent to.
# Usage: [BASE=URL] [KEEP=1] get-soap.sh [PHONE]; without one, a number is lent first
set -eu
cd "$(dirname "$0")"
. ../lib.sh
phone=${1:-$(need result "$(curl -sS -X POST "$BASE/interact/version/2/agent/soap" -H @headers-interaction.txt -H 'Content-Type: text/xml; charset=utf-8' -H 'SOAPAction: ""' --data-binary @allocate.xml)")}
sed "s/>111</>$phone</" get.xml |
    curl -sSi -X POST "$BASE/interact/version/2/agent/soap" -H @headers-ivr.txt -H 'Content-Type: text/xml; charset=utf-8' -H 'SOAPAction: ""' --data-binary @-
echo
[ $# -gt 0 ] || give_back "$phone"
