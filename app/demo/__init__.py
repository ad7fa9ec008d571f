"""The demo: six months of plausible, seeded history, told through the same use cases that serve every day.

`cast.py` names the people, `programmes.py` the two programmes, `scenes/` makes up what happened (pure),
`stage.py` plays it in order of time, `payday.py` pays month by month with the bank of `examples/bank`.
Never loaded in production.
"""
