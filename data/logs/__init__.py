"""Log lines: to Elasticsearch, and back from the files.

In reading order:

- shipping: send log lines to Elasticsearch
- files: read the log files of this server, newest line first
"""
