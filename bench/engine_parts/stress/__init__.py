"""A stress test of the engine, which a benchmark and a test run.

In reading order:

- questions: the model, and questions with known answers
- stress: ask them at random, cancel some, and look for what is left
"""
