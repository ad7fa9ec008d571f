"""The key's own programme: what a shop shows before somebody joins."""

from __future__ import annotations

from http import HTTPStatus
from typing import Annotated, Final

from pydantic import Field

from app.api import answers, render
from app.api.operations import Answer, Call, OperationTable
from app.identity.api_keys import Scope
from app.referrals.queries.programs_shown import NOBODY, shown_to
from app.referrals.rates import rate_text

table = OperationTable("Programme")
_ANY: Final = (Scope.REPORTS_READ, Scope.REFERRERS_WRITE)


class ProgramAnswer(answers.AnswerModel):
    """A programme's terms, and the rates that a newcomer's customers would bring."""

    program: Annotated[str, Field(description="the slug")]
    name: str
    currency: str
    hold_days: int
    minimum_payout: int
    pays_leavers: Annotated[bool, Field(description="who left is paid below the minimum, too")]
    payout_day: int
    rates: list[answers.RateAnswer]


@table.declare(
    "GET",
    "/program",
    summary="The programme of this key, with its rates",
    scopes=_ANY,
    answers={200: ProgramAnswer},
)
def read_program(call: Call) -> Answer:
    """Products that are not listed, and have no entry with `product` null to fall back on, do not participate."""
    shown = shown_to(call.session, call.program, NOBODY, call.now)
    offered = [(product.sku, rate) for product, rate in shown.rates]
    rates = [
        answers.RateAnswer(
            product=sku,
            rate=rate_text(rate, call.program.currency),
            duration=render.duration_text(rate),
            kinds=sorted(kind.value for kind in rate.line_kinds),
            scope=rate.scope.value,
            valid_from=rate.valid_from,
            **render.tiers_and_caps(rate, call.program.currency),
        )
        for sku, rate in [*offered, (None, shown.everything_else)]
        if rate is not None
    ]
    answer = ProgramAnswer(
        program=call.program.slug,
        name=call.program.name,
        currency=call.program.currency,
        hold_days=shown.terms.hold_days,
        minimum_payout=call.program.minimum_payout_minor,
        pays_leavers=call.program.pays_leavers,
        payout_day=call.program.payout_day,
        rates=rates,
    )
    return Answer(HTTPStatus.OK, answer.model_dump(mode="json"))
