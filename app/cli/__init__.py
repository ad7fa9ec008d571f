"""The operator's commands: parse, call one use case, print. Reached through ``.venv/bin/flask``."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from flask import Flask


def register(app: Flask) -> None:
    """Add the commands to the application."""
    from app.cli import bank, corrections, looks, payout_care, rate_table, simulate  # noqa: F401, PLC0415 - they add commands to their groups
    from app.cli.attribution import attribution  # noqa: PLC0415 - a web process needs no commands
    from app.cli.clicks import clicks  # noqa: PLC0415
    from app.cli.coupons import coupons  # noqa: PLC0415
    from app.cli.demo import demo  # noqa: PLC0415
    from app.cli.documents import documents  # noqa: PLC0415
    from app.cli.exchange_rates import exchange_rates  # noqa: PLC0415
    from app.cli.finance import finance  # noqa: PLC0415
    from app.cli.imports import imports  # noqa: PLC0415
    from app.cli.ledger import ledger  # noqa: PLC0415
    from app.cli.payouts import payouts  # noqa: PLC0415
    from app.cli.people import api_keys, users  # noqa: PLC0415
    from app.cli.privacy import privacy  # noqa: PLC0415
    from app.cli.products import products  # noqa: PLC0415
    from app.cli.programs import programs  # noqa: PLC0415
    from app.cli.rates import rates  # noqa: PLC0415
    from app.cli.referrers import referrers  # noqa: PLC0415
    from app.cli.statements import statements  # noqa: PLC0415

    for group in (programs, products, referrers, coupons, users, api_keys, payouts, ledger, clicks):
        app.cli.add_command(group)
    app.cli.add_command(attribution)
    app.cli.add_command(rates)
    app.cli.add_command(imports)
    app.cli.add_command(exchange_rates)
    app.cli.add_command(finance)
    app.cli.add_command(privacy)
    app.cli.add_command(documents)
    app.cli.add_command(statements)
    app.cli.add_command(demo)
