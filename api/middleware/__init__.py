"""Process every request before a page or a route answers it.

- front_door: the first middleware; asks the next four, then passes on to the pages or to REST
- own_names: which host names and origins are the portal's own
- diagnostics: who may read metrics
- stranger_sockets: how many pages may be open without a session
- security_headers: what each response forbids the browser
- upload_guard: who may send files to the pages
- compressed: Streamlit's scripts and styles, compressed once
- request_ids: an id for every REST request
- body_limit: how large a request body may be
"""
