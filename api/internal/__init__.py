"""The internal API, over which user servers reach this portal's services. remote/ has its other side.

In reading order:

- door: who may come in, and how often
- calls: run one call
- live: send the events of a running answer
- routes: the routes themselves
"""
