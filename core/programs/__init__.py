"""What programs store here: responses that later ones continue.

In reading order:

- records: a stored response
- ports: the repository, and the edge that answers requests without a connection
- background: hand requests of jobs to the edge
- responses: keep, continue, delete and cancel responses
"""
