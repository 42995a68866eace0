"""Files that people attach."""
