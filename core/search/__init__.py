"""Search over conversations, feedback and the audit."""
