"""Widgets of ratings: their form, and who gave them.

In reading order:

- rating_form: the form under a rated answer
- rating_words: words for what raters answer
- names: who gave a rating, hidden or revealed
- fix_tried: the old and the new answer to a fixed rating
- form_editor: change what raters are asked
"""
