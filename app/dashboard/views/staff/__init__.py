"""The pages of the merchant's people, one module a noun. The guard has checked the action before a view runs."""

from __future__ import annotations

from app.dashboard.views.staff import audit, bank, orders, programs, referrers, review, runs  # noqa: F401 - routes
from app.dashboard.views.staff.base import staff

__all__ = ["staff"]
