"""What the model reads beside the question.

In reading order:

- records: instructions, and what an answer was given to read
- ports: their repositories
- instructions: a person's and a group's instructions
- opening: write the system message of a chat
- prompt: write the prompt of a question from the messages before it
- assembly: put together what the model reads for an answer
"""
