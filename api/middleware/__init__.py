"""What every request passes before a page or a route answers it.

- front_door: the first of all; asks the next four, and hands on to the pages or to REST
- own_names: which host names are the portal's own, and which origins
- diagnostics: who may read measurements
- stranger_sockets: how many pages may be open that nobody has signed in on
- security_headers: what each response tells the browser to refuse
- upload_guard: who may send files to the pages
- compressed: Streamlit's scripts and styles, compressed once
- request_ids: a name for every request of REST
- body_limit: how large a request's body may be
"""
