"""A small merchant's shop that knows Refledger only by its public HTTP API.

It shows how a merchant connects: keep the `ref` of the landing page (`referral.py`), store every fact first
and send it until it is acknowledged (`outbox.py`), say what happened in the contract's words (`facts.py`).
One page of the demo is not a merchant's: `views/month.py` has `examples/month` play the operator and the bank.
"""
