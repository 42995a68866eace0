"""Widgets about what the model reads beside the question.

In reading order:

- applied: which instructions apply to the chat
- answer_details: what an answer was given to read
- summary_line: what stands for the first turns of the chat
- meter: how full the context is
- prompt_menu: prompts to insert into the composer
"""
