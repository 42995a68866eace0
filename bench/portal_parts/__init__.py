"""The parts that the measurements of a whole portal share.

In reading order:

- portal: start a portal with an empty home
- tls: one TLS context for all HTTP clients
- servers: an admin server and user servers that are killed and restarted
- page_socket: open a page without a browser
- layout_shifts: record what moves on a page in a browser
- peer_checks: ask a real model server through the router
- askers: people who ask over REST
- server_kills: kill user servers and their admin server at random moments
- contract: requests made from the OpenAPI description
- contract_things: one record of each kind, whose ids those requests use
"""
