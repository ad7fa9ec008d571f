"""What the review rules do in a programme: the same settings as on the command line."""

from __future__ import annotations

from typing import TYPE_CHECKING

from flask import flash, redirect, url_for

from app.dashboard.forms.base import show_refusal
from app.dashboard.forms.review_rules import ReviewRulesForm
from app.dashboard.i18n import _
from app.dashboard.presenters.staff import review_rules as presenter
from app.dashboard.views.staff.base import actor, all_programs, chosen_program, me, page, staff
from app.identity.roles import Action
from app.kernel import clock
from app.kernel.errors import InvalidInput
from app.referrals.domain.review import read_settings, review_shown
from app.referrals.programs import ProgramSettings, change_program
from app.requests import session

if TYPE_CHECKING:
    from flask.typing import ResponseReturnValue


@staff.get("/settings/review")
def rule_settings() -> ResponseReturnValue:
    """Every rule with what it does, in a form for who may change it."""
    chosen = chosen_program(all_programs())
    return _rules_page(ReviewRulesForm(formdata=None, data=review_shown(chosen.review)))


@staff.post("/settings/review")
def change_rule_settings() -> ResponseReturnValue:
    """Change what is not as it was, for what is judged from now on."""
    chosen = chosen_program(all_programs())
    form = ReviewRulesForm()
    if not form.validate_on_submit():
        return _rules_page(form), 422
    changed = form.changed(review_shown(chosen.review))
    if changed:
        settings = ProgramSettings(review=changed)
        try:
            change_program(session(), chosen, settings, actor=actor(), now=clock.now())
        except InvalidInput as error:
            show_refusal(form, error, _("This cannot be used."))
            return _rules_page(form), 422
    flash(_("The review rules are saved. They hold for what is judged from now on."), "done")
    return redirect(url_for("staff.rule_settings"))


def _rules_page(form: ReviewRulesForm) -> str:
    found = all_programs()
    chosen = chosen_program(found)
    return page(
        "staff/review_rules.html",
        chosen,
        found,
        form=form,
        rules=presenter.rule_fields(form),
        table=presenter.rule_table(read_settings(chosen.review)),
        may_change=me().may(Action.CHANGE_PROGRAM),
    )
