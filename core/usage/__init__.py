"""What the portal was used for, from the generation rows.

In reading order:

- records: a report and its figures
- totals: add up answers into counts, sums and quantiles
- ports: the repository of generation rows
- reports: make usage reports
- csv_cells: write CSV that is safe in a spreadsheet
"""
