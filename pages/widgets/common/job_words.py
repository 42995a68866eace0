"""Readable names of the kinds of background jobs."""

from __future__ import annotations

KINDS = {
    "model.swap": "Swap a model",
    "backup.make": "Create a backup",
    "backup.check": "Verify a backup",
    "document.read": "Read a document",
    "dataset.build": "Build a version of a dataset",
    "review.upkeep": "Complete the review cases",
    "alert.check": "Check the alert rules",
    "alert.deliver": "Send an alert",
    "retention.apply": "Apply retention rules",
    "usage.rollup": "Add up usage by day",
    "response.answer": "Answer a program in the background",
    "batch.run": "Answer a batch of requests",
    "batch.expire": "Remove expired files of batches",
    "embedding.expire": "Remove old vectors of texts",
    "response.expire": "Remove expired responses",
    "audit.verify": "Verify the audit log",
    "conversation.title": "Write the title of a chat",
    "conversation.summarize": "Summarize the first turns of a chat",
    "result.expire": "Remove old answers from the result cache",
    "conversation.remember": "Propose what to remember of a chat",
    "conversation.import": "Import chats",
    "grounding.batch": "Find boxes on a batch of images",
    "grounding.evaluate": "Evaluate a model on labelled images",
    "grounding.forget": "Forget old results of grounding",
    "directory.sync": "Follow the company directory",
    "index.reconcile": "Compare the search index",
    "index.rebuild": "Rebuild the search index",
    "model.download": "Download a model",
    "model.import": "Import a model",
    "model.quantize": "Quantize a model",
    "model.compare": "Compare two model files",
}
"""Readable names by kind; pages show other kinds by their stored names."""
