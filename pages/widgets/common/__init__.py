"""Widgets that several pages share.

In reading order:

- card: bordered boxes
- data_frame: make the data frame of a table
- formats: formats of numbers
- requests: keep actions of the user for the next run
- script: components whose script is a static file
- focus: put the cursor in a field
- browser_timer: set the timer of a fragment
- search_field: the search field and its suggestions
- search_hits: what a search found
- job_words: readable names of background jobs
- audit_words: readable names of audit events
- cookie: let the browser fetch its session cookie
"""
