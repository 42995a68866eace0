"""What the model reads beside the question.

In reading order:

- records: instructions, and what an answer was given to read
- ports: their repositories
- instructions: a person's and a group's instructions
- opening: write the system message of a chat
- exchanges: number turns and write them for the model
- reading: read a conversation and its files
- window: count what a prompt takes of a model's context
- file_parts: read the parts of long files that matter
- summary_store: keep summaries, in the store or in this process
- summaries: let the model summarize the first turns
- assembly: put together what the model reads for an answer
- background: summarize before it is needed
- service: show and change what the model reads
"""
