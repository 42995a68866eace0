"""The text of PDF and Word documents."""
