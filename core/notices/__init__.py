"""Notices: what happened while somebody was elsewhere.

In reading order:

- records: a notice, what is unread, what the person's browser may show
- ports: the repository
- giving: give notice, in the transaction of what happened
- service: read notices, mark them as read, choose what the browser shows
"""
