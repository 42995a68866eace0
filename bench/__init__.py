"""Measurements: `./portal bench NAME` runs NAME.py, or the package NAME, of one of the areas. Each prints one table.

In reading order:

- engine: the engine and what it loads
- rest: the portal over REST
- pages: pages, over a websocket or in a real browser
- models: served models: routing, swaps, and other model servers
- servers: the portal's processes: start, memory, user servers
- store: what is stored, through kills and outages
- engine_parts: what the measurements of the engine share
- portal_parts: what the measurements of a whole portal share
- store_parts: what kills, outages and large stores need
- clock_parts: a portal whose model takes a GPU's time
"""
