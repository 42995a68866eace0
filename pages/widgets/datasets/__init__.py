"""Parts of the Datasets page.

In reading order:

- words: names of formats, sources and reasons
- outcome: what a build gives, as figures, bars and examples
- form: choose what a dataset is made of
- card: one dataset, its files and its versions
"""
