"""/dev/components: every component of the pages in each of its states, for whoever builds them. Never in production."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from flask import Blueprint, flash, redirect, render_template, request, url_for
from flask_wtf import FlaskForm
from wtforms import BooleanField, SelectField, SelectMultipleField, StringField, TextAreaField

from app.dashboard.components import (
    Cell,
    Column,
    Empty,
    Fact,
    Figure,
    Rate,
    SortLink,
    Status,
    Step,
    Table,
    Tone,
)

if TYPE_CHECKING:
    from flask import Flask
    from werkzeug.wrappers import Response

_LONG = "Wolfeschlegelsteinhausenbergerdorff & Söhne, Import-Export"


@dataclass(frozen=True, slots=True)
class Samples:
    """What the page shows of each component."""

    figures: tuple[Figure, ...]
    pills: tuple[Status, ...]
    facts: tuple[Fact, ...]
    tables: tuple[Table, ...]
    steps: tuple[Step, ...]
    rates: tuple[Rate, ...]
    empty: Empty


class SampleForm(FlaskForm):
    """A field of every kind."""

    name = StringField("Name", description="As it stands on the bank statement.")
    wrong = StringField("IBAN")
    kind = SelectField("Kind", choices=[("a", "New orders"), ("b", "Renewals")])
    words = TextAreaField("Words", description="At most 1000 characters.")
    mails = SelectMultipleField("Send me a mail when", choices=[("a", "a payout was sent"), ("b", "I earn")])
    sure = BooleanField("I have read the terms")


def _samples() -> Samples:
    here = url_for("dev_components.index")
    return Samples(
        figures=(
            Figure("Paid in all", "€1,284.20", "since March 2026", href=here),
            Figure("In flight", "€84.20"),
            Figure("Taken back", "\u2212€12.00", "refunds of this month"),
            Figure("Clicks", "12,409"),
        ),
        pills=tuple(Status(word, tone) for word, tone in _TONES),
        facts=(
            Fact("Customer", Cell("C-00043", code=True)),
            Fact("Paid by the customer", Cell("18 Nov 2026, 10:47")),
            Fact("Account holder", Cell(_LONG)),
            Fact("Bank account", Cell("NL•• •••• 4300", href=here, sub="confirmed on 2 March 2026")),
        ),
        tables=(_compared(here), _folded(here), _nothing(here)),
        steps=_STEPS,
        rates=(Rate("Web hosting", "10%", "for every order, for as long as the customer stays"),),
        empty=Empty(
            "No commissions yet", "Share your link. What it brings stands here.", "See my link", here
        ),
    )


_TONES = (
    ("paid out", Tone.DONE),
    ("pending", Tone.WAIT),
    ("on its way", Tone.MOVE),
    ("under review", Tone.HELD),
    ("taken back", Tone.STOP),
    ("nothing", Tone.CALM),
)

_STEPS = (
    Step("The customer followed your link", Tone.DONE, "19 Jun 2026, 21:10"),
    Step(
        "Your commission was reckoned", Tone.DONE, "18 Nov 2026", amount="+€2.40", points=("10% of €24.00.",)
    ),
    Step("Under review", Tone.HELD, "18 Nov 2026", "Someone of the programme looks at it."),
    Step("Commission taken back", Tone.STOP, "20 Nov 2026", "€1.20 remains.", "\u2212€1.20"),
    Step("Handed to the bank", Tone.MOVE, "2 December 2026"),
    Step("Comes with the payout", Tone.WAIT, "2 January 2027", "Payouts start at €10.00.", ahead=True),
    Step("The bank books it", Tone.WAIT, "", ahead=True),
)


def _compared(here: str) -> Table:
    return Table(
        title="A table that people compare",
        note="sorted by amount",
        id="compared",
        columns=(
            Column("Referrer", sort=SortLink(here)),
            Column("Code"),
            Column("State"),
            Column("Orders", numeric=True, sort=SortLink(here)),
            Column("Earned", numeric=True, sort=SortLink(here, "descending")),
        ),
        rows=tuple(
            (Cell(name, href=here), Cell("anna-1", code=True), Cell(status=status), Cell(count), Cell(sum_))
            for name, status, count, sum_ in (
                ("Anna de Vries", Status("active", Tone.DONE), "1,204", "€12,840.20"),
                (_LONG, Status("suspended", Tone.HELD), "7", "€84.20"),
            )
        ),
        empty=Empty("", ""),
        more_href=here,
        inline=False,
        export_href=here,
    )


def _folded(here: str) -> Table:
    return Table(
        title="A list that people read on a phone",
        id="folded",
        folds=True,
        columns=(
            Column("Product", fold=False),
            Column("Amount", numeric=True, fold=False),
            Column("Customer paid on"),
            Column("State", fold=False),
        ),
        rows=(
            (
                Cell("Web hosting"),
                Cell("€2.40", href=here),
                Cell("18 Nov 2026"),
                Cell(status=Status("pending", Tone.WAIT)),
            ),
        ),
        empty=Empty("", ""),
    )


def _nothing(here: str) -> Table:
    return Table(
        title="A list without rows",
        id="nothing",
        columns=(),
        rows=(),
        empty=Empty("Nothing to decide", "What a rule takes aside waits here.", "The rules", here),
    )


def register_dev_components(app: Flask) -> None:
    """Attach the page. The factory does it outside production only."""
    pages = Blueprint("dev_components", __name__, url_prefix="/dev/components")

    @pages.get("")
    def index() -> str:
        form = SampleForm(formdata=None, data={"mails": ["a"]})
        form.wrong.errors = ["This is not a valid IBAN. Please check every digit."]
        form.wrong.data = "NL91 ABNA 0417"
        return render_template("dev/components.html", page=_samples(), form=form)

    @pages.get("/toast")
    def toast() -> Response:
        tone = Tone(request.args.get("tone", Tone.DONE))
        flash("The bank account is saved." if tone is Tone.DONE else "This could not be done.", tone)
        return redirect(url_for("dev_components.index"))

    @pages.get("/question")
    def question() -> str:
        return render_template("dev/question.html")

    app.register_blueprint(pages)
