"""The composition root: settings in, a running portal out.

In reading order:

- portal: connect everything
- areas: build the services of each area
- foundation: open what every area shares
- parts: open home, search index and log shipper
- models: open the pool of models
- transfers: open what brings model files to this server
- identity: open the identity provider
- plugins: open the plugins, with those that the portal brings along
- limit_counters: open what counts limits outside of the database
- startup: make the first admin, load the models
- store: the database alone, for commands beside a portal
- profiles: which pages and routes a server has
- service_keys: keys between user servers and the admin server
- remote: a user server's portal, on the admin server
- process: the portal of this process
"""
