"""Choose what the model reads besides the question.

In reading order:

- records: instructions, summaries, and what the model read for an answer
- ports: their repositories
- instructions: the instructions of a person and of a group
- opening: write the system message of a chat
- exchanges: number turns and write them as messages for the model
- reading: read a conversation and its files
- window: count how much of a model's context a prompt takes
- file_parts: choose the relevant parts of long files
- passages: add the passages of collections to a question
- summaries: have the model summarize the first turns
- assembly: assemble the prompt of an answer
- service: show and change what the model reads
"""
