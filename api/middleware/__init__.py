"""Middleware that every request passes before a page or a route answers it.

In reading order:

- front_door: the first after draining; consults the next five, then passes requests to pages or REST
- base_addresses: name the right base address to programs that use a wrong one, and lead browsers to pages
- own_names: the portal's own host names and origins
- diagnostics: who may read metrics
- stranger_sockets: limit pages that are open without a session
- security_headers: headers of every response
- compressed: serve Streamlit's scripts and styles compressed
- request_ids: give every REST request an id
- cross_origin: let chosen origins use /v1
- plain_paths: drop slashes at the end of paths under /v1
- bodies: checks of request bodies
- early_refusals: refuse at once what is refused as busy anyway
- answer_headers: how much of a limit is left, and which personal data a request held
"""
