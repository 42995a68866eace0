"""Review cases: what reviewers work on.

In reading order:

- records: a case, its states, its history, and how cases are filtered
- ports: the repositories of cases and of saved views
- opening: open a case for each rating
- fixing_prompts: the version of a prompt that fixed a case
- changes: check and apply a change, and record it
- proposals: propose the outcome of a case
- queue: find and read cases
- export: export cases without personal data
- work: change cases, one or many, and say who works on them
- views: saved views of the queue
- upkeep: open the cases of ratings that have none
"""
