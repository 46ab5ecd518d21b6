#!/bin/sh
# A call from beginning to end, over four protocols: a hotline is lent by GMS with a code and user data, AICC leads it to
# a skill queue, and when the call arrives one question tells both, over JSON and over SOAP; the last one takes the call.
# Usage: [BASE=URL] call-flow.sh; the second time AICC says that the hotline has a destination already (returnCode 120002)
set -eu
cd "$(dirname "$0")"
BASE=${BASE:-http://127.0.0.1:8080}
HOTLINE=5550100

member() { sed -n "s/.*\"$1\" *: *\"\([^\"]*\)\".*/\1/p"; }
json() { curl -sS -H 'Content-Type: application/json' "$@"; }

json -H @headers.txt "$BASE/gateway/v1/numbers" -d "{\"number\":\"$HOTLINE\",\"group\":\"hotlines\"}" >/dev/null

CODE=$(curl -sS "$BASE/genesys/1/service/request-access" -H 'Accept: application/json' \
    -d _id=1212-887ad635-22b1-49c5-ae7b-3b271bc10289 -d _resource_group=hotlines -d _provide_code=true \
    -d _phone_number=380501234567 -d _booking_expiration_timeout=300 -d first_name=Ann | member _access_code)
echo "lent by GMS: $HOTLINE with the code $CODE"

TOKEN=$(json "$BASE/apigovernance/api/oauth/tokenByAkSk" \
    -d '{"app_key":"demo-key-0001","app_secret":"demo-secret-0001"}' | member AccessToken)
printf 'routed by AICC: '
json "$BASE/apiaccess/rest/cc-management/v1/calledRoute/createCalledRoute" -H "Authorization: Bearer $TOKEN" \
    -d "{\"accessCode\":\"$HOTLINE\",\"devicetype\":1,\"deviceId\":7,\"mediaTypeId\":5}"

printf '\n\nresolved over JSON: '
json -H @headers.txt "$BASE/gateway/v1/calls/resolve" \
    -d "{\"dialled\":\"$HOTLINE\",\"caller\":\"380501234567\",\"code\":\"$CODE\"}"

printf '\n\ntaken over SOAP: '
curl -sS "$BASE/gateway/v1/soap" -H @headers.txt -H 'Content-Type: text/xml; charset=utf-8' \
    -H 'SOAPAction: "urn:dnis-gateway:v1/ResolveCall"' --data-binary @- <<ENVELOPE
<e:Envelope xmlns:e="http://schemas.xmlsoap.org/soap/envelope/">
 <e:Body>
  <ResolveCallRequest xmlns="urn:dnis-gateway:v1">
   <dialled>$HOTLINE</dialled>
   <code>$CODE</code>
   <take>true</take>
  </ResolveCallRequest>
 </e:Body>
</e:Envelope>
ENVELOPE
echo
