"""A check of the tests: bugs that a bad day might bring are put in one at a time, and the tests must fail on each.

`make mutants` runs it. Each bug is a small file in `seeded`: what it is, the text that it replaces in which file, and
the tests that are to notice it.
"""
