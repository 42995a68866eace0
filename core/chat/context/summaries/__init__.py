"""Summaries of the first turns of a chat.

In reading order:

- summary_store: keep summaries in the database or in memory
- summaries: have the model summarize the first turns
- background: write summaries before they are needed
"""
