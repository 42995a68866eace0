"""Share read-only snapshots of conversations with other people of the portal.

In reading order:

- records: a link and the snapshot that it shows
- ports: the repository of links
- snapshots: convert a transcript to a snapshot and back
- shares: create, list, open and revoke links
"""
