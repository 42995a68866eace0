"""Backups, retention, index care, logs and disk space.

In reading order:

- records: backups, retention rules and legal holds
- ports: the database inspector, the backup folder and the repository of rules
- backups: make, check, list and remove backups
- retention: apply rules and legal holds
- index_maintenance: show, compare and rebuild the search index
- disk: stop taking new work before the disk is full
- file_limit: recognize files that have reached the limit of their size
- log_context: the request, person and turn that a log line belongs to
- metric_fields: describe metrics next to the fields of a record
- masking: replace secrets and personal data in log lines
- log_lines: format log lines as JSON or text
- logs: read the lines again
"""
