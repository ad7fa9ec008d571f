"""What every page needs around its own content: navigation, language, appearance, who is signed in."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from flask import request, url_for

from app.dashboard import formatting
from app.dashboard.components import NavItem
from app.dashboard.i18n import _
from app.dashboard.locale import LANGUAGES, page_language
from app.identity.login import who
from app.identity.roles import STAFF, Action

if TYPE_CHECKING:
    from flask import Flask

    from app.identity.sessions import SignedIn

THEME_COOKIE: Final = "theme"
THEMES: Final = ("auto", "light", "dark")


def chosen_theme() -> str:
    """The appearance of this request: ``auto`` follows the machine."""
    theme = request.cookies.get(THEME_COOKIE, "auto")
    return theme if theme in THEMES else "auto"


def _navigation(me: SignedIn | None) -> list[NavItem]:
    if me is None:
        return []
    if me.role in STAFF:
        rows = [
            (_("Overview"), "staff.index", Action.VIEW_PROGRAM, ("index",)),
            (
                _("Products and rates"),
                "staff.products",
                Action.VIEW_PROGRAM,
                ("product", "rate", "bonus", "what_if"),
            ),
            (_("Referrers"), "staff.referrers", Action.VIEW_REFERRERS, ("referrer",)),
            (_("Click quality"), "staff.clicks", Action.VIEW_REFERRERS, ("click",)),
            (_("Orders"), "staff.orders", Action.VIEW_ORDERS, ("order", "customer")),
            (_("Reviews"), "staff.review", Action.VIEW_ORDERS, ("review",)),
            (_("Payouts"), "staff.runs", Action.VIEW_PAYOUTS, ("run", "payout", "approval")),
            (_("Bank"), "staff.bank", Action.VIEW_PAYOUTS, ("bank",)),
            (_("Documents"), "staff.documents", Action.VIEW_PAYOUTS, ("document", "merchant")),
            (_("Books"), "staff.finance", Action.VIEW_BOOKS, ("finance",)),
            (_("Settings"), "staff.settings", Action.VIEW_PROGRAM, ("settings", "terms")),
            (_("Audit trail"), "staff.audit", Action.VIEW_AUDIT, ("audit",)),
        ]
    else:
        rows = [
            (_("Home"), "home.index", Action.VIEW_OWN, ("index",)),
            (_("Commissions"), "home.commissions", Action.VIEW_OWN, ("commission",)),
            (_("Orders"), "home.orders", Action.VIEW_OWN, ("order",)),
            (_("Payouts"), "home.payouts", Action.VIEW_OWN, ("payout",)),
            (_("Statements"), "home.statements", Action.VIEW_OWN, ("statement",)),
            (_("Documents"), "home.documents", Action.VIEW_OWN, ("document", "tax_profile", "self_billing")),
            (_("Links"), "home.links", Action.VIEW_OWN, ("link",)),
            (_("Leads"), "home.leads", Action.VIEW_OWN, ("lead",)),
            (_("Bank account"), "home.bank_account", Action.VIEW_OWN, ("bank",)),
            (_("Your data"), "home.your_data", Action.VIEW_OWN, ("your_data", "mails", "terms")),
        ]
    here = request.endpoint or ""
    return [
        NavItem(label, url_for(endpoint), _is_here(here, endpoint, marks))
        for label, endpoint, action, marks in rows
        if me.may(action)
    ]


def _is_here(here: str, endpoint: str, marks: tuple[str, ...]) -> bool:
    if here == endpoint:
        return True
    blueprint, _dot, name = here.partition(".")
    return endpoint.startswith(f"{blueprint}.") and any(mark in name and mark != "index" for mark in marks)


def page_context() -> dict[str, Any]:
    """The variables of the layout."""
    me = who() if request.endpoint else None
    start = "public.index" if me is None else "staff.index" if me.role in STAFF else "home.index"
    return {
        "page_language": page_language(formatting.language()),
        "languages": LANGUAGES,
        "theme": chosen_theme(),
        "themes": [("auto", _("Automatic")), ("light", _("Light")), ("dark", _("Dark"))],
        "navigation": _navigation(me),
        "signed_in": me,
        "home_href": url_for(start),
        "this_page": request.full_path.rstrip("?") if request.method == "GET" else request.path,
    }


def register_page(app: Flask) -> None:
    """Give the layout its variables."""
    app.context_processor(page_context)
