"""A question that waits until the running answer of its conversation ends.

In reading order:

- records: a queued question
- ports: the repository of queued questions
- service: queue a question, take it back and send it
"""
