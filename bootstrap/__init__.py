"""The composition root: build a running portal from settings.

In reading order:

- portal: compose the whole portal
- areas: build the services of each area
- foundation: open the database, index and jobs that every area shares
- parts: open home, search index and log shipper
- limit_counters: the counters of limits in Redis, if there is one
- machines: build the history of this machine
- models: open the pool of models
- transfers: open downloads, imports, uploads and the quantizer
- identity: open the identity provider
- startup: create the first admin, and load the models
- store: open only the database, for commands that run next to a portal
- servers: what a server runs, and how user servers reach the admin servers
- process: hold the portal of this process
"""
