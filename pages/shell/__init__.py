"""The frame of every page: navigation, theme, words."""
