"""Accounts, sessions, rights and the audit."""
