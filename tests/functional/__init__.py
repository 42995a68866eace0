"""Tests of the whole portal, or of whole layers with real servers."""
