#!/bin/sh
# Lends a number of the group samples over SOAP.
# Usage: [BASE=URL] [KEEP=1] allocate-soap.sh; without KEEP the number is given back when its answer was shown
set -eu
cd "$(dirname "$0")"
. ../lib.sh
answer=$(curl -sSi -X POST "$BASE/interact/version/2/agent/soap" -H @headers-interaction.txt -H 'Content-Type: text/xml; charset=utf-8' -H 'SOAPAction: ""' --data-binary @allocate.xml)
printf '%s\n' "$answer"
give_back "$(value result "$answer")"
