#!/usr/bin/env bash
set -euo pipefail
echo 'print("hello")' > hello.py
# docs
cat > config.yaml <<END
name: Portal
version: 1.0.0
schema: v1
models:
  - name: GLM
    provider: openai
    model: $PORTAL_MODEL
    apiBase: $PORTAL/v1
    apiKey: $PORTAL_KEY
    roles: [chat]
    defaultCompletionOptions: {contextLength: 8192, maxTokens: 200}
END
export CONTINUE_TELEMETRY_ENABLED=0
cn --config config.yaml --print "What does hello.py do?" > answer.txt
# end of docs
grep -q '[[:alpha:]]' answer.txt
