"""The routes of the pages. A view parses, calls one use case or query, and renders."""

from __future__ import annotations

from app.dashboard.views import bank_account, links  # noqa: F401 - their routes join the blueprint of home
from app.dashboard.views.accounts import accounts
from app.dashboard.views.home import home
from app.dashboard.views.public import public
from app.dashboard.views.staff import staff

BLUEPRINTS = (public, accounts, home, staff)
