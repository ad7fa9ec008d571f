"""Ids in paths.

A merchant's id may hold slashes (``2026/0012``). PEP 3333 servers, granian among them, hand the path over decoded and
without its raw form, so ``%2F`` and ``/`` cannot be told apart: an id therefore takes any characters, and the fixed
words around it decide where it ends. What stays ambiguous (``GET /orders/a/payment``: the payment of ``a``, or an
order called ``a/payment``?) is decided in ``routes/orders.py`` by which of them exists.
"""

from __future__ import annotations

from werkzeug.routing import BaseConverter


class AnyId(BaseConverter):
    """One or more characters, slashes included; as many as the rest of the rule leaves."""

    regex = ".+"
    part_isolating = False
    weight = 200
