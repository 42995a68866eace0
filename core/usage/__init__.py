"""The usage of the portal, computed from the generation rows.

In reading order:

- records: the rows that reports are made from
- totals: add up answers into counts, sums and quantiles
- ports: the repository of generation rows
- reports: make usage reports
- csv_cells: write CSV that is safe in a spreadsheet
"""
