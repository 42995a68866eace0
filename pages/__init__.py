"""What people see. Page files hold functions only; Home.py calls them once it knows who asks.

In reading order:

- shell: the frame of every page
- widgets: drawing that pages share
- markdown: make Markdown of strangers safe to draw
- sign_in: sign in
- chat: ask and read
- shared: read what somebody shared
- search: find own messages
- prompts: texts to use again in the chat
- memory: what models remember about the person
- images: find what a phrase names on an image
- feedback: review ratings
- usage: usage reports
- models: load and watch models
- get_model: known models, downloads and imports
- compare: two files of a model, and blind votes on their answers
- platforms: model servers, where questions go, the configuration with its versions
- presets: models with instructions and settings; default models of groups
- people: manage accounts and groups
- access: who may do what, and custom roles
- store: backups, search index, retention
- jobs: background jobs
- plugins: installed plugins, and for whom they are on
- audit: audit events
- account: language, password, API keys, own groups, keyboard, signing out
"""
