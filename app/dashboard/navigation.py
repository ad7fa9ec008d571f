"""The navigation: the sections of the header, and the pages of the section that one is in."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from flask import request, url_for
from flask_babel import lazy_gettext as _l

from app.dashboard.components import NavItem
from app.dashboard.directories import has_directory
from app.dashboard.handed import reaches
from app.identity.roles import STAFF, Action

if TYPE_CHECKING:
    from collections.abc import Callable

    from flask_babel.speaklater import LazyString

    from app.identity.sessions import SignedIn


@dataclass(frozen=True, slots=True, eq=False)
class Page:
    """A page of a section. What lies beneath its address belongs to it, and what lies beneath ``also``."""

    label: LazyString
    endpoint: str
    action: Action = Action.VIEW_OWN
    also: tuple[str, ...] = ()

    def depth(self, path: str) -> int:
        """How much of the path this page accounts for; 0 is nothing of it."""
        own = url_for(self.endpoint).removeprefix(request.script_root)
        if self.endpoint.endswith(".index"):
            return len(own) if path == own else 0
        return max((len(root) for root in (own, *self.also) if f"{path}/".startswith(f"{root}/")), default=0)


@dataclass(frozen=True, slots=True, eq=False)
class Section:
    """Pages that belong together. The header shows the section; its link opens the first page one may open."""

    label: LazyString
    pages: tuple[Page, ...]
    shows: Callable[[], bool] = lambda: True
    """Whether it is shown at all, in the programme that one looks at."""


REFERRERS: Final = (
    Section(_l("Home"), (Page(_l("Home"), "home.index"), Page(_l("News"), "home.news"))),
    Section(
        _l("Earnings"),
        (
            Page(_l("Commissions"), "home.commissions"),
            Page(_l("Orders"), "home.orders"),
            Page(_l("Why not?"), "home.why"),
        ),
    ),
    Section(
        _l("Payouts"),
        (
            Page(_l("Payouts"), "home.payouts"),
            Page(_l("Statements"), "home.statements"),
            Page(_l("Documents"), "home.documents"),
            Page(_l("Bank account"), "home.bank_account"),
        ),
    ),
    Section(
        _l("Links"),
        (
            Page(_l("Links"), "home.links"),
            Page(_l("Banners and texts"), "home.promo"),
            Page(_l("Leads"), "home.leads"),
        ),
    ),
    Section(
        _l("Profile"),
        (Page(_l("Profile"), "home.profile"), Page(_l("Ratings"), "home.own_ratings")),
        has_directory,
    ),
    Section(
        _l("Account"),
        (
            Page(_l("Your data"), "home.your_data"),
            Page(_l("Security"), "home.security", also=("/account",)),
            Page(_l("Team"), "home.team"),
            Page(_l("Mails"), "home.mails"),
            Page(_l("Terms"), "home.terms"),
        ),
    ),
)

OFFICE: Final = (
    Section(_l("Overview"), (Page(_l("Overview"), "staff.index", Action.VIEW_PROGRAM),)),
    Section(
        _l("Programme"),
        (
            Page(
                _l("Products and rates"),
                "staff.products",
                Action.VIEW_PROGRAM,
                ("/staff/rates", "/staff/bonus"),
            ),
            Page(_l("Rate table"), "staff.rate_table_page", Action.VIEW_PROGRAM),
            Page(_l("What if"), "staff.what_if", Action.CHANGE_RATES),
            Page(_l("Banners and texts"), "staff.promo", Action.VIEW_PROGRAM),
            Page(_l("Look"), "staff.look", Action.VIEW_PROGRAM),
            Page(_l("Terms"), "staff.terms", Action.VIEW_PROGRAM),
        ),
    ),
    Section(
        _l("Referrers"),
        (
            Page(_l("Referrers"), "staff.referrers", Action.VIEW_REFERRERS),
            Page(_l("Click quality"), "staff.clicks", Action.VIEW_REFERRERS),
            Page(_l("Directory"), "staff.directory", Action.VIEW_REFERRERS),
        ),
    ),
    Section(
        _l("Orders"),
        (
            Page(_l("Orders"), "staff.orders", Action.VIEW_ORDERS),
            Page(_l("Commissions"), "staff.commissions", Action.VIEW_ORDERS),
            Page(_l("Customers"), "staff.customers", Action.VIEW_ORDERS),
            Page(_l("Waiting"), "staff.waiting_orders", Action.VIEW_ORDERS),
            Page(_l("Parked facts"), "staff.facts", Action.VIEW_ORDERS),
            Page(_l("Reviews"), "staff.review", Action.VIEW_ORDERS),
            Page(_l("Contests"), "staff.contests", Action.VIEW_ORDERS),
        ),
    ),
    Section(
        _l("Payouts"),
        (
            Page(_l("Runs"), "staff.runs", Action.VIEW_PAYOUTS),
            Page(_l("Bank"), "staff.bank", Action.VIEW_PAYOUTS),
            Page(_l("Documents"), "staff.documents", Action.VIEW_PAYOUTS),
        ),
    ),
    Section(_l("Books"), (Page(_l("Books"), "staff.finance", Action.VIEW_BOOKS),)),
    Section(
        _l("Settings"),
        (
            Page(_l("Programme"), "staff.settings", Action.VIEW_PROGRAM),
            Page(_l("Review rules"), "staff.rule_settings", Action.VIEW_PROGRAM),
            Page(_l("Payments"), "staff.payment_settings", Action.VIEW_PROGRAM),
            Page(_l("Bookkeeping"), "staff.book_settings", Action.VIEW_BOOKS),
            Page(_l("API keys"), "staff.api_keys", Action.MANAGE_API_KEYS),
            Page(_l("People"), "staff.people", Action.MANAGE_USERS),
            Page(_l("Security"), "staff.security", Action.VIEW_PROGRAM, ("/account",)),
            Page(_l("Audit trail"), "staff.audit", Action.VIEW_AUDIT),
        ),
    ),
)


@dataclass(frozen=True, slots=True)
class Navigation:
    """What the header draws. ``pages`` is empty where the section has no more than the page one sees."""

    sections: tuple[NavItem, ...] = ()
    title: str = ""
    pages: tuple[NavItem, ...] = ()


def navigation(me: SignedIn | None) -> Navigation:
    """The sections that this person may open, and the pages of the one that this request belongs to."""
    if me is None:
        return Navigation()
    sections = [
        (section, pages)
        for section in (OFFICE if me.role in STAFF else REFERRERS)
        if section.shows()
        and (pages := [page for page in section.pages if me.may(page.action) and reaches(me, page.endpoint)])
    ]
    here = _here([page for _section, pages in sections for page in pages])
    found = tuple(_item(section.label, pages[0], current=here in pages) for section, pages in sections)
    for section, pages in sections:
        if here in pages and len(pages) > 1:
            rows = tuple(_item(page.label, page, current=page is here) for page in pages)
            return Navigation(found, str(section.label), rows)
    return Navigation(found)


def _here(pages: list[Page]) -> Page | None:
    """The page that the request belongs to: the one whose address is the longest beginning of it."""
    depth, found = max(
        ((page.depth(request.path), place) for place, page in enumerate(pages)), default=(0, 0)
    )
    return pages[found] if depth else None


def _item(label: LazyString, page: Page, *, current: bool) -> NavItem:
    return NavItem(str(label), url_for(page.endpoint), current=current)
