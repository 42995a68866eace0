"""Tests of the whole portal, or of whole rooms with real servers."""
