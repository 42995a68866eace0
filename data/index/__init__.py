"""Keep the search index up to date.

In reading order:

- documents: make documents from rows
- worker: bring committed changes to the index
- rejected_jobs: jobs that the index rejected permanently
- reconciler: compare database and index
"""
