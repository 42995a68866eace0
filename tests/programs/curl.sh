#!/usr/bin/env bash
set -euo pipefail
# docs
curl -s "$PORTAL/v1/chat/completions" -H "Authorization: Bearer $PORTAL_KEY" -H "Content-Type: application/json" \
  -d '{"model": "'"$PORTAL_MODEL"'", "messages": [{"role": "user", "content": "How do I add a model?"}]}' > answer.json
curl -sN "$PORTAL/v1/chat/completions" -H "Authorization: Bearer $PORTAL_KEY" -H "Content-Type: application/json" \
  -d '{"model": "'"$PORTAL_MODEL"'", "messages": [{"role": "user", "content": "How do I add a model?"}], "stream": true}' > stream.txt
# end of docs
grep -q '"content":"' answer.json
test "$(tail -n 2 stream.txt | head -n 1)" = "data: [DONE]"
test "$(curl -s -o error.json -w '%{http_code}' "$PORTAL/chat/completions" -X POST -H "Authorization: Bearer $PORTAL_KEY")" = 404
grep -q "base address to $PORTAL/v1" error.json
