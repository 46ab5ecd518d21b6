#!/bin/sh
# Gets a token for ten minutes with the key and the secret of the demo's application.
set -eu
cd "$(dirname "$0")"
curl -sSi -X POST "${BASE:-http://127.0.0.1:8080}/apigovernance/api/oauth/tokenByAkSk" -H 'Content-Type: application/json' -H 'X-Token-Expire: 600' --data-binary @token.json
