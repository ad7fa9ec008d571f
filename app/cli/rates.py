"""``flask rates``: what holds, and what another rate would have come to."""

from __future__ import annotations

from app.cli.command import House

rates = House("rates", help="Kickback rates: what holds, and what would have come of others.")
