"""The figures of a board as plain tables, which programs read and reports show.

In reading order:

- records: a sheet with its figures and tables
- of_boards: make a sheet of each board
- service: read the sheet of a board
"""
