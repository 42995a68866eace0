"""The internal API: how a user server reaches the services of the admin server. Both sides import this package.

In reading order:

- port: what pages may ask of a portal
- services: which methods a user server may call
- codec: values to JSON and back, by their type hints
- errors: errors to JSON and back
- frames: messages of JSON and bytes
- identity: a person with a session token, a proof as a handle
- connection: the pool of connections to the admin servers
- read_ahead: ask for what a page will read in one call
- client: call a method as if the service were here
- turns: follow an answer that the admin server writes
- portal: the portal as a user server has it
"""
