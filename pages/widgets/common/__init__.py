"""Widgets that several pages share.

In reading order:

- card: bordered boxes
- data_frame: make the data frame of a table
- formats: formats of numbers
- requests: keep actions of the user for the next run
- outcome: carry out an action and show its result
- disk_notice: warn about a disk that is almost full
- script: components whose script is a static file
- focus: put the cursor in a field
- browser_timer: set the timer of a fragment
- job_words: readable names of background jobs
- audit_words: readable names of audit events
- cookie: let the browser fetch its session cookie
"""
