"""Widgets about the context that the model reads beside the question.

In reading order:

- applied: which instructions apply to the chat
- answer_details: the context that an answer used
- summary_line: the summary of the first turns of the chat
- meter: how full the context is
- prompt_menu: prompts to insert into the composer
"""
