"""The pages of the merchant's people, one module a noun. The guard has checked the action before a view runs."""

from __future__ import annotations

from app.dashboard.views.staff import (  # noqa: F401 - routes
    search,
    people,
    api_keys,
    audit,
    bank,
    clicks,
    contests,
    customers,
    debts,
    documents,
    files,
    finance,
    orders,
    overview,
    look,
    particulars,
    programs,
    promo,
    rate_forms,
    rates,
    referrers,
    review,
    review_rules,
    run_moves,
    runs,
    terms,
    unknown_files,
    what_if,
)
from app.dashboard.views.staff.base import staff

__all__ = ["staff"]
