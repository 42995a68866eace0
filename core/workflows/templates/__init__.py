"""Templates of tasks: steps with blanks, which run again with other files and values.

In reading order:

- records: a template, and the files that it asks for
- ports: their repository
- filling: put values and files into a template
- library: save, share, change and remove templates
- running: run a template as a task
"""
