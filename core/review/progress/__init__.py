"""How the review gets on.

In reading order:

- records: the report
- agreement: how far two reviewers agree, beyond chance
- ports: where its numbers come from
- service: make the report
"""
