"""Check request bodies.

In reading order:

- upload_guard: who may send files to the pages
- body_limit: limit request bodies
- packed_bodies: unpack compressed request bodies
"""
