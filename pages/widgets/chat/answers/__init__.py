"""The transcript of a chat.

In reading order:

- transcript: questions, answers, and the running answer
- finished_answer: an answer that has ended, and what went wrong with it
- answer_figures: the figures of an answer
- tool_steps: the tools that the model called for an answer
- step_request: ask the person before a tool changes something
- running_answer: an answer that is being written
- between_answers: thumbs, versions and reasoning between answers
- encoding_titles: readable names of text encodings
"""
