"""Store rows of ratings and review cases.

In reading order:

- comparisons: answers side by side, and the votes on them
- feedback: ratings
- rating_forms: the versions of the rating form
- case_rows: select cases and their history
- cases: review cases
- views: saved views of the queue
- judging: guidelines, questions, judgements and the review's progress
- training_choices: who agreed that their chats improve models
- rated: the ratings and conversations that datasets are made of
- datasets: datasets, their versions and files
"""
