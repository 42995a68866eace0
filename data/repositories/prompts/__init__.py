"""Store rows of prompts, and select what people share.

In reading order:

- shared_rows: rows that people share, also of collections and templates of tasks
- prompts: prompts and their versions
"""
