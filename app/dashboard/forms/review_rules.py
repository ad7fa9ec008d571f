"""What the review rules do in a programme, and from where on they speak."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from flask_babel import lazy_gettext as _l
from flask_wtf import FlaskForm
from wtforms import IntegerField, SelectField
from wtforms.fields.choices import SelectChoice  # type: ignore[attr-defined] # newer than its stubs
from wtforms.validators import InputRequired, NumberRange

from app.dashboard.presenters.words import HOLD_RULES
from app.referrals.domain.review import ACTIONS, LEAST, LIMIT_NAMES, MOST, Action
from app.referrals.words import HoldRule

if TYPE_CHECKING:
    from collections.abc import Mapping

    from wtforms import Field

LIMITS_OF: Final[Mapping[HoldRule, tuple[str, ...]]] = {
    HoldRule.CROWDED_CLICK: ("crowd_customers",),
    HoldRule.FAST_CONVERSION: ("fast_seconds",),
    HoldRule.LATE_CLICK: ("late_seconds",),
    HoldRule.CONVERSION_OUTLIER: ("outlier_clicks", "outlier_percent"),
    HoldRule.REFUND_RATE: ("refund_orders", "refund_percent"),
}
"""The limits that each rule goes by; a rule that is not here has none of its own."""

LIMIT_WORDS: Final = {
    "crowd_customers": _l("From how many customers on one click"),
    "fast_seconds": _l("Below how many seconds from click to payment"),
    "late_seconds": _l("Above how many seconds from order or signup to click"),
    "outlier_clicks": _l("From how many clicks on, of the referrer and of all others"),
    "outlier_percent": _l("Above how many percent of the others' rate"),
    "refund_orders": _l("From how many paid orders on"),
    "refund_percent": _l("Above how many percent of orders refunded"),
}

ACTION_WORDS: Final = {
    Action.HOLD: _l("take aside until somebody decides"),
    Action.NOTE: _l("only note it for staff"),
    Action.OFF: _l("nothing: the rule is off"),
}


class ReviewRulesForm(FlaskForm):
    """One choice for each rule that may be set, and one number for each limit; named as the settings are."""

    def of_rule(self, rule: HoldRule) -> tuple[Field, list[Field]]:
        """The field of what a rule does, and those of its limits."""
        return self._fields[rule.value], [self._fields[name] for name in LIMITS_OF.get(rule, ())]

    def changed(self, shown: Mapping[str, int | str]) -> dict[str, str]:
        """The settings that are not as ``shown`` (:func:`app.referrals.domain.review.review_shown`)."""
        given = {name: str(self._fields[name].data) for name in shown}
        return {name: value for name, value in given.items() if value != str(shown[name])}


def _bounds(name: str) -> list[object]:
    low, high = getattr(LEAST, name), getattr(MOST, name)
    said = _l("From %(low)s to %(high)s.", low=low, high=high)
    return [InputRequired(_l("Please fill in a number.")), NumberRange(low, high, said)]


for _rule in ACTIONS:
    _choices = [SelectChoice(action.value, words) for action, words in ACTION_WORDS.items()]
    setattr(ReviewRulesForm, _rule.value, SelectField(HOLD_RULES[_rule], choices=_choices))
for _name in LIMIT_NAMES:
    setattr(ReviewRulesForm, _name, IntegerField(LIMIT_WORDS[_name], validators=_bounds(_name)))
