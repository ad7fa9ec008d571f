"""Mails that are wanted, and the page behind a link that stops some, in words."""

from __future__ import annotations

from dataclasses import dataclass

from app.dashboard.i18n import _


@dataclass(frozen=True, slots=True)
class StopPage:
    """What an unsubscribe link does, did, or cannot do. ``button`` is empty where nothing is left to press."""

    title: str
    texts: tuple[str, ...]
    button: str = ""


def asked(kind: str, program: str, *, has_left: bool) -> StopPage:
    """Before the press."""
    texts = (_what(kind, program), *([_left()] if has_left else []))
    return StopPage(_("Stop these mails?"), texts, _("Stop these mails"))


def stopped(kind: str, program: str, *, has_left: bool) -> StopPage:
    """After the press, however often it was pressed."""
    after = _left() if has_left else _("You can turn them on again on your page, under Your data.")
    return StopPage(_("These mails have stopped"), (_what(kind, program), after))


def refused() -> StopPage:
    """A link that was altered, is older than a year, or whose owner's data was erased."""
    return StopPage(
        _("This link does nothing any more"),
        (_("Nothing was changed. Log in to choose which mails you get, or use the link in a newer mail."),),
    )


def _what(kind: str, program: str) -> str:
    match kind:
        case "first_commission":
            return _("The mail about your first commission from %(program)s.", program=program)
        case "statement_ready":
            return _("The monthly mail about your statement from %(program)s.", program=program)
        case "payout_sent":
            return _("Mails about payouts that %(program)s has transferred.", program=program)
        case "review_decided":
            return _("Mails about commissions from %(program)s that were under review.", program=program)
        case "rating_shown":
            return _("Mails about what customers of %(program)s say of you.", program=program)
        case _:
            return _("Mails about customers of %(program)s who choose or leave you.", program=program)


def _left() -> str:
    return _(
        "You have left this programme. Only what must be told still reaches you, such as a failed payout."
    )
