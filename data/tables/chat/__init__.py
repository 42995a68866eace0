"""Define the tables of conversations, of what programs store, and of notices.

In reading order:

- conversations: conversations, folders, messages, turns, links to snapshots, queued questions, instructions, summaries, prompts,
  memories
- programs: responses, files and batches of programs
- notices: notices, and what browsers show of them
"""
