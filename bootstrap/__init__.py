"""The composition root: build a running portal from settings.

In reading order:

- portal: compose the whole portal
- areas: build the services of each area
- foundation: open the database, index and jobs that every area shares
- parts: open home, search index and log shipper
- models: open the pool of models
- transfers: open downloads, imports, uploads and the quantizer
- identity: open the identity provider
- plugins: open the installed plugins and the portal's own
- limit_counters: open the counters of limits in Redis
- startup: create the first admin, and load the models
- store: open only the database, for commands that run next to a portal
- profiles: choose the pages and routes of a server
- service_keys: read the keys between user servers and the admin server
- remote: connect a user server to the admin servers
- process: hold the portal of this process
"""
