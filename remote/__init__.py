"""The internal API: how a user server calls the services of the admin server. Both sides import this package.

In reading order:

- port: the services that pages call
- services: which methods a user server may call
- codec: convert values to JSON and back by their type hints
- methods: how to send the arguments and the result of a method
- errors: convert errors to JSON and back
- frames: messages of JSON and bytes
- identity: people with their session tokens, and handles of proofs
- connection: hold the pool of connections to the admin servers
- read_prefetch: combine the expected reads of a page in one call
- client: call a method as if the service were local
- turns: follow answers that the admin server writes
- portal: the portal of a user server
"""
