"""Bringing a programme along from another tool: referrers, customers, and the money that is still owed.

``sheet.py`` reads any CSV file line by line or says which line it stops at; ``columns.py`` knows what the tools call
their columns; ``values.py`` reads single cells; ``referrers.py``, ``customers.py`` and ``opening.py`` say what a line
means and bring it in through the ordinary use cases; ``run.py`` checks a whole file before it writes any of it.
"""
