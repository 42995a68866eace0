"""Keep the search index up to date.

In reading order:

- documents: make documents from rows
- worker: bring committed changes to the index
- parked_jobs: jobs that the index refused for good
- reconciler: compare database and index
"""
