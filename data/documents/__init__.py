"""Extract the text of PDF and Word documents."""
