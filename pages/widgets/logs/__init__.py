"""Widgets of the page Logs.

In reading order:

- log_words: words for levels, ranges and parts of the time
- lines: lines of the log, and how many there were when
- filters: the search and the filters
- kinds: kinds of errors
- turn: the lines of one turn, and where its time went
"""
