"""Serve the internal API, over which user servers call this portal's services. remote/ is the client side.

In reading order:

- access: who may call, and how often
- calls: run calls
- live: send the events of a running answer
- routes: the routes themselves
"""
