"""Payouts: bank accounts on file, the monthly run, the file for the bank, and what the bank answers.

``domain/`` holds the rules, pure. ``destinations.py``, ``runs.py``, ``files.py`` and ``reconcile.py`` are
the use cases, ``queries.py`` what pages and the API read, ``rails/`` the ways a payout can leave the house.
"""
