"""Tasks: what a person orders becomes a workflow of steps that can be read, changed, approved and run.

A task is what a person orders, a run is one execution of it, a step is one action. A job is the background work that does a run.

In reading order:

- records: tasks, steps, runs and results
- ports: their repository
- steps_json: steps as JSON, as they are stored and as models write them
- plan_checks: what is wrong with steps
- model_work: ask a model for a task
- planner: have a model propose steps
- tasks: order, plan, change and remove tasks
- runs: approve, answer, cancel and retry runs
- steps: what a run does for each step
- task_run: do the steps of a run, as a job
- results: read, export and continue the result of a run
- templates: tasks to run again, with blanks
- schedules: templates that run daily, weekly or monthly
"""
