"""Sampling and detokenizing."""
