"""The parts that pages are made of, by area.

In reading order:

- account: the Account page
- chat: the chat
- context: instructions, memory, summaries and other context of a chat
- search: the Search page
- tables: tables in attached files
- sharing: share a chat, and show a shared chat
- models: the Models page
- get_model: the Get a model page
- documents: the Documents page, and documents in the chat
- tasks: the Tasks page
- images: the Images page
- people: the People and Access pages
- rating: the rating form, and the names of raters
- review: the page Cases
- arena: the Arena and its leaderboard
- experiments: the Experiments page
- datasets: the Datasets page
- store: the Store page
- logs: the Logs page
- plugins: sections that plugins add to pages
- usage: the Usage page
- boards: boards of the Usage page
- money: its Money board
- reports: the Reports page
- alerts: the Alerts page
- common: parts that several pages use
"""
