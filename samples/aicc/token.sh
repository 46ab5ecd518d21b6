#!/bin/sh
# Gets a token for ten minutes with the key and the secret of the demo's application. The other scripts do it themselves.
# Usage: [BASE=URL] token.sh
set -eu
cd "$(dirname "$0")"
. ../lib.sh
curl -sSi -X POST "$BASE/apigovernance/api/oauth/tokenByAkSk" -H 'Content-Type: application/json' -H 'X-Token-Expire: 600' --data-binary @token.json
echo
