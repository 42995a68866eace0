"""Widgets of the page Cases.

In reading order:

- case_words: words for states, priorities and the history
- case_location: which case is open
- case_views: views of the queue
- case_filters: the search and the filter
- case_list: the list of cases
- case_actions: what a reviewer does with a case
- case_view: one case
- case_properties: the properties of a case
- case_watch: keep the open case up to date
- case_csv: cases as CSV
- answers: what reviewers do with the rated answer
- progress: the page Review progress
- judging: guidelines, questions and judgements
"""
