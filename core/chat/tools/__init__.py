"""Tools in chats: the model calls functions of plugins while it answers, and reads their results.

In reading order:

- records: the steps of an answer, and the tools that a chat offers
- writing: write an answer and its steps as messages for the model
- chat_tools: which tools a chat offers to whom, and which are switched off
- table_tool: query the tables of a chat
- approval: ask the person before a tool changes something, and wait for the decision
- decisions: allow or refuse a step that waits
- loop: run the calls of one answer, within bounds
- exported: write steps for exports
- prompt: what the model is asked, and asked again after each round of calls
"""
