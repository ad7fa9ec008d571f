"""A month's end, played from beginning to end: the operator's commands, with the bank of `examples/bank` answering.

`operator.py` gives the commands that an operator types, `playing.py` has the steps, `journal.py` keeps what has
happened for the page that shows it. `python -m examples.month PROGRAMME` plays; the demo shop's desk starts it.
Part of the demo alone: it refuses to play where `APP_ENV` is production.
"""
