"""Widgets about what the model reads beside the question.

In reading order:

- applied: which instructions apply to the chat
- answer_details: what an answer was given to read
- prompt_menu: prompts to insert into the composer
"""
