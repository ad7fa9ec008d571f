"""Refledger: referral links in, money out, every cent explained.

The map of the house. Dependencies run one way, top to bottom:

    api  dashboard  cli  jobs  mail  demo  observe    edges: parse, call one use case, render
    privacy                                           how long what is kept, a person's copy, erasure
    overview                                          what referrers brought, by day; what needs a person; search
    finance                                           closed months, sealed days, what is owed, files for bookkeeping
    payouts                                           bank accounts on file, runs, bank files, bank feedback
    promo                                             banners and texts to advertise with, what each brought
    directory                                         partners' profiles, what customers say of them, moderation
    shopfront                                         hand-overs, frames, a programme's look
    referrals                                         programmes, links, clicks, signups, orders, commissions
    ledger  identity                                  the journal of money; people, keys and the audit trail
    embedded                                          the Valkey, PostgreSQL and supervisor of a bare machine
    kernel                                            money, clock, ids, errors, database, queue, crypto

``factory.py`` is the only place that wires them. A rule lives in a slice's ``domain/`` and knows no framework.
"""
