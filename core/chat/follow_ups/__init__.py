"""A question that waits for the running answer of its conversation to end.

In reading order:

- records: a queued question
- ports: the repository of queued questions
- service: queue, take back and send
"""
