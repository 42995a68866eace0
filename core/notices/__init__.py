"""Notices: what happened while a person was elsewhere.

In reading order:

- records: a notice, the unread ones, and what the person's browser may show
- ports: the repository
- giving: add notices, in the transaction of the event
- service: read notices, mark them as read, choose what the browser shows
"""
