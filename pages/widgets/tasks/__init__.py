"""The parts of the Tasks page.

In reading order:

- words: kinds, states and facts in words
- starters: steps to begin with, where no model proposes any
- order: order a new task
- task_list: the tasks, each with its newest run
- step_form: write or change one step
- step_list: the steps with their results, and what can be done with each
- step_result: the result of one step
- side: the run, the files, the limits and the result
- templates: tasks to run again, with blanks
"""
