"""What a referrer contested and what staff answered, as both read it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from flask import url_for

from app.dashboard import formatting
from app.dashboard.components import Empty, NavItem
from app.dashboard.i18n import _
from app.referrals.models import ContestState

if TYPE_CHECKING:
    from collections.abc import Sequence

    from app.referrals.models import Contest, Program, Referrer


@dataclass(frozen=True, slots=True)
class Said:
    """One contest: the words, when, and the answer where there is one."""

    id: str
    words: str
    when: str
    answer: str
    answered: str
    who: str = ""
    title: str = ""
    href: str = ""


@dataclass(frozen=True, slots=True)
class Thread:
    """Everything that was said about one thing, oldest first. ``waits`` says that the last word waits for an answer."""

    said: tuple[Said, ...]
    waits: bool


def thread(contests: Sequence[Contest], program: Program) -> Thread:
    """What was said so far."""
    return Thread(
        tuple(_said(contest, program) for contest in contests),
        any(contest.state is ContestState.OPEN for contest in contests),
    )


def _said(contest: Contest, program: Program, who: str = "", title: str = "", href: str = "") -> Said:
    return Said(
        id=contest.contest_id,
        words=contest.words,
        when=formatting.instant(contest.opened_at, program.timezone),
        answer=contest.answer or "",
        answered=formatting.instant(contest.answered_at, program.timezone) if contest.answered_at else "",
        who=who,
        title=title,
        href=href,
    )


def for_staff(rows: Sequence[tuple[Contest, Referrer]], program: Program) -> list[Said]:
    """Contests with whom each comes from and where to look."""
    return [
        _said(
            contest,
            program,
            who=f"{referrer.name} ({referrer.code})",
            title=_("About an order")
            if contest.order_id
            else _("About click %(click)s", click=contest.about),
            href=url_for("staff.order", order_id=contest.order_id) if contest.order_id else "",
        )
        for contest, referrer in rows
    ]


def tabs(here: ContestState) -> tuple[NavItem, ...]:
    """What waits, and what has its answer."""
    labels = {ContestState.OPEN: _("Waiting for an answer"), ContestState.ANSWERED: _("Answered")}
    return tuple(
        NavItem(label, url_for("staff.contests", state=state.value), state is here)
        for state, label in labels.items()
    )


def nothing(state: ContestState) -> Empty:
    """No contest is in that state."""
    if state is ContestState.ANSWERED:
        return Empty(_("Nothing was answered yet"), _("What you answer is kept here."))
    return Empty(_("Nothing waits for an answer"), _("What referrers contest stands here, oldest first."))
