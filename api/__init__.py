"""REST: OpenAI's API under /v1, the portal's own under /api/v1, health, metrics, and the internal API for user servers.

Each route validates, calls one service and presents the result.

In reading order:

- application: put routes and middleware together
- services: give routes the portal
- identity: identify the caller
- recent_callers: who asked a moment ago, for requests that are refused anyway
- errors: errors as JSON
- answering: begin answers, read them, and stream them
- background: answer the requests of jobs
- directory_routes: list the routes under /v1
- model_lists: the models, as OpenAI's and Anthropic's clients read them
- openai: OpenAI's API
- responses: OpenAI's Responses
- batches: OpenAI's files and batches
- anthropic: Anthropic's Messages
- portal: the portal's own API
- internal: the internal API for user servers
- monitoring: health and metrics
- draining: let a stopping server finish running requests, and refuse new ones
- logged_paths: paths of requests as they may be logged
- middleware: checks that every request passes first
"""
