"""What reviewers judge by, and their judgements.

In reading order:

- records: guidelines, questions and judgements
- ports: their repositories
- guidelines: write the guidelines, version by version
- checks: check questions and answers
- defaults: the questions of a new portal
- questions: write the questions, version by version
- judged: what a reviewer may see of a case's judgements, and may do
- judgements: judge cases, ask for a second judgement, and decide
"""
