"""What an answer says about its sources.

In reading order:

- citations: find citations in the text of an answer
- exported: write the sources of an answer for exports
"""
