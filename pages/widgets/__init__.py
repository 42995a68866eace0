"""Drawing that pages share, by area.

In reading order:

- account: the Account page
- chat: the chat
- context: what the model reads beside the question
- sharing: share a chat, and show a shared one
- models: the Models page
- get_model: the page Get a model
- images: the Images page
- people: the People and Access pages
- review: the review
- store: the Store page
- plugins: what plugins add to pages
- usage: the Usage page
- common: several pages
"""
