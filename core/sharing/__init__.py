"""Share read-only snapshots of conversations with other people of the portal.

In reading order:

- records: a link, and what it shows
- ports: the repository of links
- snapshots: turn a transcript into a snapshot and back
- shares: create, list, open and revoke links
"""
