"""REST: OpenAI's API under /v1, the portal's own under /api/v1, health, metrics, and the internal API for user servers.

Each route validates, calls one service and presents the result.

In reading order:

- application: put routes and middleware together
- services: give routes the portal
- identity: identify the caller
- errors: errors as JSON
- streams: server-sent events
- starting: threads on which answers begin
- answers: the running answers to one request
- answer_thread: one thread that reads all of them
- background: answer the requests of jobs
- directory_routes: list the routes under /v1
- openai: OpenAI's API
- responses: OpenAI's Responses
- batches: OpenAI's files and batches
- anthropic: Anthropic's Messages
- portal: the portal's own API
- internal: the internal API for user servers
- health_routes: liveness and readiness
- user_health_routes: liveness and readiness of a user server
- metrics_routes: Prometheus metrics
- draining: let a stopping server finish running requests, and refuse new ones
- middleware: checks that every request passes first
"""
