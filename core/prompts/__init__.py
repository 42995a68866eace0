"""The library of prompts: texts with blanks that people insert into the chat.

In reading order:

- records: prompts and their versions
- ports: their repository
- blanks: find the blanks to fill in, and fill them
- sharing: who sees what is shared, also of collections and templates of tasks
- library: write, share, publish and restore prompts
"""
