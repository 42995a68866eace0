"""The usage of the portal, computed from the generation rows, and alerts on it.

In reading order:

- records: the rows that reports are made from
- figures: changes since the period before, and intervals of shares
- totals: add up answers into counts, sums and quantiles
- ports: the repository of generation rows
- reports: make usage reports
- rollups: usage by day and hour, which outlives what it counts
- machines: what each server measured of itself, its GPUs and its models
- alerts: rules on measures, and whom they tell
- money: prices, budgets and costs
- boards: what managers read about a period
- own: what one person used, for that person alone
- reporting: reports as files, on schedule
- csv_cells: cells that are safe in a spreadsheet
- csv_file: write CSV
- sheets: the figures of a board as plain tables, for programs and reports
"""
