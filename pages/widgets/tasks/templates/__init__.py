"""Templates of tasks on the Tasks page.

In reading order:

- blank_words: texts with their blanks as blue words
- listing: the templates, and those to begin with
- ready_made: templates to begin with, in the reader's language
- form: change a template
- rights: who runs it, and its removal
- run_form: fill a template in, and run it
- schedule: when it runs, and with what
- template_page: one template
"""
