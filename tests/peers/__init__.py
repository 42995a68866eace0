"""Run llama.cpp's own server tests against the portal. They are fetched with the engine's source and never stored here.

In reading order:

- fetched: the tests, from the cache or the archive
- adapter: a plugin of pytest that directs each test to the portal
- tables: which tests do not concern the portal, and which differ from it on purpose
- run: a portal with the models that the tests ask for, and the tests in a separate process
"""
