"""Widgets of the boards of the Usage page.

In reading order:

- choice: the tab, the days, the group and the model, kept in the URL
- figures: figures with their change, and text for amounts
- parts: sentences, bars and tables of a board
- plots: charts of the boards, each with its CSV
- changes: what differs most from the period before
- overview: the Overview board
- adoption: the Adoption board
- quality: the Quality board
- speed: the Speed board
- waits: the queue wait with its forecast, and what would help
- capacity: the Capacity board
- drill: the answers behind a bar
"""
