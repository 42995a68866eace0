"""Reports: chosen tables of the boards as files, on a schedule, by mail and as a notice.

In reading order:

- records: a plan, the report that it makes, and what was sent
- schedule: which days a report covers
- wording: the words of reports, in English and Chinese
- content: a report as JSON
- cells: values and figures as text
- svg: charts as SVG
- html: a report as one page without any outside request
- files: a report as CSV, and as Markdown for PDF
- ports: the repository of plans and reports
- writer: make reports, and write them as files
- plans: list, add, change and remove plans
- runs: make reports on schedule, and send them
"""
