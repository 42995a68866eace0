"""REST: OpenAI's API under /v1, the portal's own under /api/v1, health, metrics, and the internal API for user servers.

Routes validate, call one service, present.

In reading order:

- application: put routes and middleware together
- services: what routes need of the portal
- identity: find out who asks
- errors: errors as JSON
- streams: server-sent events
- starting: threads on which answers begin
- answers: the running answers to one request
- answer_thread: one thread that reads all of them
- background: requests that jobs answer
- directory_routes: what /v1 offers
- openai: OpenAI's API
- responses: OpenAI's Responses
- batches: OpenAI's files and batches
- anthropic: Anthropic's Messages
- portal: the portal's own API
- internal: the internal API for user servers
- health_routes: liveness and readiness
- user_health_routes: the same of a user server
- metrics_routes: Prometheus metrics
- draining: finish what has begun while the server stops, and send new requests away
- middleware: what every request passes first
"""
