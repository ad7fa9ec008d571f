"""Past orders reckoned under supposed terms while the page is sent: for what-if, and before a rate is published."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import structlog
from sqlalchemy.exc import SQLAlchemyError

from app.dashboard.presenters.staff import what_if as presenter
from app.referrals.models import Program
from app.referrals.queries import staff as queries
from app.referrals.whatif import Study, Supposed, count_customers
from app.requests import services

if TYPE_CHECKING:
    from collections.abc import Iterator
    from datetime import date, datetime

    from sqlalchemy.orm import Session

_log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Question:
    """What is supposed of a programme, in words too, over orders paid within [start, end)."""

    program_id: int
    currency: str
    supposed: Supposed
    product: str
    referrer: str
    first: date
    last: date
    start: datetime
    end: datetime


class Work:
    """The reckoning of one answer, in a session of its own that sees one snapshot for as long as it takes."""

    def __init__(self, question: Question, file_href: str) -> None:
        self._question, self._file_href = question, file_href
        self.supposed = presenter.supposed_facts(
            question.supposed, question.product, question.referrer, question.currency
        )
        self.days = presenter.days_words(question.first, question.last)
        self.answer: presenter.Answer | None = None
        """Stands once :meth:`steps` has ended; ``None`` then says that the database gave up."""

    def steps(self) -> Iterator[presenter.Step]:
        """How far it is, again and again."""
        asked = self._question
        try:
            with services().db.snapshot() as live:
                customers, study = study_of(live, asked)
                yield from presenter.steps(study.steps(), customers)
                found = study.by_code()
                names = queries.names_by_code(live, asked.program_id, presenter.most_concerned(found))
        except SQLAlchemyError:
            # The page is half sent: an error page can no longer take its place.
            _log.exception("what_if_interrupted")
            return
        self.answer = presenter.answer(
            found,
            names,
            currency=asked.currency,
            customers=customers,
            last=asked.last,
            file_href=self._file_href,
        )


def study_of(live: Session, asked: Question) -> tuple[int, Study]:
    """How many customers are to be reckoned, and the study of them."""
    program = live.get_one(Program, asked.program_id)
    customers = count_customers(live, program, asked.start, asked.end)
    return customers, Study(services().referrals, live, program, asked.supposed, asked.start, asked.end)
