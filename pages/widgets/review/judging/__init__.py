"""Widgets of what reviewers judge by, and of their judgements.

In reading order:

- set_up: the menu of those who set up the review
- guidelines: read and write the guidelines
- question_words: words for questions, choices and answers
- question_editor: write the questions
- answer_fields: the fields of a judgement, and their keys
- judgement: judge the open case, compare two judgements, and decide
"""
