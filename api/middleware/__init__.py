"""What every request passes before a page or a route answers it.

- front_door: the one middleware in front of everything; asks the others
- own_names: which host names are the portal's own, and which origins
- diagnostics: who may read measurements
- stranger_sockets: how many pages may be open that nobody has signed in on
- security_headers: what each response tells the browser to refuse
"""
