"""The directory of partners: what partners say of themselves, what their customers say of them, and what staff let
through. Customers choose a partner in ``app/referrals/choices.py``; nothing here moves money.
"""
