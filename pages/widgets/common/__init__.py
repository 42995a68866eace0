"""Widgets that several pages share.

In reading order:

- card: bordered boxes
- figures: numbers for people
- requests: keep what was clicked for the next run
- script: components whose script is a static file
- focus: put the cursor into a field
- browser_timer: set the timer of a fragment
- search_field: the search field and its suggestions
- search_hits: what a search found
- job_words: names of background jobs for people
- audit_words: names of audit events for people
- cookie: let the browser fetch its session cookie
"""
