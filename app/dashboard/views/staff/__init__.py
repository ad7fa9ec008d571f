"""The pages of the merchant's people, one module a noun. The guard has checked the action before a view runs."""

from __future__ import annotations

from app.dashboard.views.staff import (  # noqa: F401 - routes
    api_keys,
    audit,
    bank,
    clicks,
    contests,
    customers,
    debts,
    directory,
    documents,
    facts,
    files,
    finance,
    handing_on,
    look,
    mergers,
    orders,
    overview,
    particulars,
    people,
    programs,
    promo,
    rate_forms,
    rates,
    referrers,
    review,
    review_rules,
    run_moves,
    runs,
    search,
    terms,
    unknown_files,
    what_if,
)
from app.dashboard.views.staff.base import staff

__all__ = ["staff"]
