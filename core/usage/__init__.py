"""The usage of the portal, computed from the generation rows, and alerts on it.

In reading order:

- records: the rows that reports are made from
- figures: changes since the period before, and intervals of shares
- totals: add up answers into counts, sums and quantiles
- ports: the repository of generation rows
- reports: make usage reports
- rollups: usage by day and hour, which outlives what it counts
- alerts: rules on measures, and whom they tell
- money: prices, budgets and costs
- boards: what managers read about a period
- csv_cells: write CSV that is safe in a spreadsheet
"""
