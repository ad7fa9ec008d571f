"""The review rules of a programme: what each does, and from where on."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from app.dashboard import formatting
from app.dashboard.components import Cell, Column, Empty, Table
from app.dashboard.forms.review_rules import ACTION_WORDS, LIMIT_WORDS, LIMITS_OF
from app.dashboard.i18n import _
from app.dashboard.presenters import words
from app.referrals.domain.review import ACTIONS

if TYPE_CHECKING:
    from wtforms import Field

    from app.dashboard.forms.review_rules import ReviewRulesForm
    from app.referrals.domain.review import ReviewSettings


@dataclass(frozen=True, slots=True)
class RuleFields:
    """The fields of one rule."""

    action: Field
    limits: tuple[Field, ...]


def rule_fields(form: ReviewRulesForm) -> tuple[RuleFields, ...]:
    """The form rule by rule."""
    return tuple(RuleFields(action, tuple(limits)) for action, limits in map(form.of_rule, ACTIONS))


def rule_table(settings: ReviewSettings) -> Table:
    """The same in words, for who may only read it."""
    return Table(
        title=_("Review rules"),
        show_title=False,
        id="review-rules",
        columns=(Column(_("Rule")), Column(_("What it does")), Column(_("Limits"))),
        rows=tuple(
            (
                Cell(words.hold_rule(rule)),
                Cell(str(ACTION_WORDS[settings.action(rule)])),
                Cell(
                    "; ".join(
                        f"{LIMIT_WORDS[name]}: {formatting.number(getattr(settings.limits, name))}"
                        for name in LIMITS_OF.get(rule, ())
                    )
                    or formatting.DASH
                ),
            )
            for rule in ACTIONS
        ),
        empty=Empty("", ""),
    )
