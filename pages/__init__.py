"""The pages of the portal. Page files hold functions only; Home.py calls them after it has identified the user.

In reading order:

- shell: frame, navigation, theme and translations of every page
- widgets: the parts that pages are made of
- markdown: make untrusted Markdown safe to draw
- sign_in: sign in
- chat: ask and read
- shared: read a shared chat
- search: search the user's chats
- prompts: reusable texts for the chat
- memory: facts that models remember about the user
- images: find objects in an image by phrase
- feedback: work on the cases of ratings
- review_progress: how the review gets on
- my_feedback: what became of a person's own ratings
- usage: usage reports
- models: load and watch models
- get_model: known models, downloads and imports
- datasets: rated answers as files for training
- compare: compare two files of a model, with blind votes on their answers
- platforms: model servers, routes, and the configuration with its versions
- presets: models with instructions and settings; default models of groups
- people: manage accounts and groups
- access: permissions, custom roles, limits and privacy policies
- store: backups, search index, retention
- jobs: background jobs
- plugins: installed plugins and the groups that use them
- audit: audit events
- account: language, password, API keys, own groups, keyboard, signing out
"""
