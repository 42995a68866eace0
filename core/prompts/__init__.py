"""The library of prompts: texts with blanks that people insert into the chat.

In reading order:

- records: prompts and their versions
- ports: their repository
- blanks: find the blanks to fill in
- library: write, share, publish and restore prompts
"""
