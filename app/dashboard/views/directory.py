"""The directory: partners, what is said of them, and a message to one before choosing. Open to everybody."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final
from urllib.parse import urlencode

from flask import Blueprint, abort, flash, redirect, render_template, request, url_for
from limits import RateLimitItemPerDay, RateLimitItemPerHour

from app.dashboard.cursors import read_cursor, write_cursor
from app.dashboard.customers import current_customer
from app.dashboard.forms.base import show_refusal, text
from app.dashboard.forms.directory import MESSAGE, MessageForm
from app.dashboard.i18n import _
from app.dashboard.look import wear
from app.dashboard.presenters import directory as presenter
from app.dashboard.throttle import may_spend
from app.directory import queries
from app.directory.domain.profile import Content
from app.directory.domain.texts import clean_line, clean_text
from app.directory.queries import Order, Wanted
from app.identity.emails import InvalidEmail, clean_email
from app.kernel import clock
from app.requests import services, session

if TYPE_CHECKING:
    from flask.typing import ResponseReturnValue

    from app.directory.queries import Partner
    from app.referrals.models import Program

directory = Blueprint("directory", __name__, url_prefix="/programs/<slug>/partners")

_RATINGS: Final = 10
_FROM_ONE_NETWORK: Final = RateLimitItemPerHour(10, namespace="partner-message")
_TO_ONE_PARTNER: Final = RateLimitItemPerDay(50, namespace="partner-message")


@directory.get("")
def index(slug: str) -> ResponseReturnValue:
    """The partners that a visitor looks for."""
    program = open_program(slug)
    wanted = _wanted()
    found = queries.find_partners(session(), program.id, wanted, limit=queries.PAGE + 1)
    more = None
    if len(found) > queries.PAGE:
        last = found[queries.PAGE - 1].referrer.code
        asked = request.args.to_dict() | {"after": last}
        more = f"{url_for('directory.index', slug=slug)}?{urlencode(asked)}"
    page = presenter.directory_page(
        program,
        found[: queries.PAGE],
        expertise_names(program.id),
        count=queries.count_partners(session(), program.id, wanted),
        offered=queries.offered(session(), program.id),
        wanted=wanted,
        more_href=more,
    )
    return render_template("directory/index.html", page=page, program=program)


@directory.get("/<code>")
def profile(slug: str, code: str) -> ResponseReturnValue:
    """One partner, and what their customers say."""
    program = open_program(slug)
    partner = queries.listed_partner(session(), program.id, code)
    before = read_cursor(request.args.get("after"))
    rows = queries.shown_ratings(session(), partner.referrer.id, before=before, limit=_RATINGS + 1)
    more = None
    if len(rows) > _RATINGS and (shown_at := rows[_RATINGS - 1].shown_at):
        after = write_cursor(shown_at, rows[_RATINGS - 1].id)
        more = url_for("directory.profile", slug=slug, code=code, after=after)
    page = presenter.profile_page(
        code,
        Content.load(partner.listing.content),
        expertise_names(program.id),
        listing=partner.listing,
        ratings=[
            presenter.shown_rating(
                program,
                row,
                url_for("directory.report", slug=slug, code=code, rating_id=row.rating_id),
            )
            for row in rows[:_RATINGS]
        ],
        more_href=more,
    )
    return render_template(
        "directory/profile.html", page=page, program=program, customer=current_customer(program)
    )


@directory.get("/<code>/message")
def message(slug: str, code: str) -> ResponseReturnValue:
    """The form for a message."""
    program = open_program(slug)
    return _message_page(
        program, queries.listed_partner(session(), program.id, code), MessageForm(formdata=None)
    )


@directory.post("/<code>/message")
def send_message(slug: str, code: str) -> ResponseReturnValue:
    """Mail it to the partner. Their address is shown to nobody, the message is kept only until it is sent."""
    program = open_program(slug)
    partner = queries.listed_partner(session(), program.id, code)
    form = MessageForm()
    if not form.validate_on_submit():
        return _message_page(program, partner, form), 422
    try:
        email = clean_email(text(form.email))
        name = clean_line(text(form.name), "/name", most=80)
        words = clean_text(text(form.message), "/message", most=MESSAGE)
    except InvalidEmail as error:
        show_refusal(form, error, _("This does not look like an e-mail address."))
        return _message_page(program, partner, form), 422
    # A program that filled in what nobody sees is told the same as a person, and learns nothing.
    if not form.is_trapped:
        if not (may_spend(_FROM_ONE_NETWORK) and may_spend(_TO_ONE_PARTNER, f"partner {code}")):
            abort(429)
        # Sent twice, it is mailed once; nobody without our keys can try words against the name of the event.
        event = services().keyring.index("partner-message", f"{code}\n{email}\n{words}")
        lines = [line for line in words.split("\n") if line]
        asked = {"program": program.name, "sender": name, "reply_to": email, "lines": lines}
        services().mail.partner_asked(session(), partner.referrer, event, asked, now=clock.now())
    flash(_("Your message is on its way. The partner answers you by e-mail."), "done")
    return redirect(url_for("directory.profile", slug=slug, code=code))


def open_program(slug: str) -> Program:
    """The programme whose directory this is. Raises ``NoDirectory``."""
    program = queries.open_program(session(), slug)
    wear(program)
    return program


def expertise_names(program_id: int) -> dict[int, str]:
    """Every expertise of the programme in the reader's language, by its key."""
    rows = queries.expertises(session(), program_id, retired=True)
    return {row.id: presenter.expertise_name(row) for row in rows}


def _message_page(program: Program, partner: Partner, form: MessageForm) -> str:
    name = partner.listing.content["name"]
    return render_template(
        "directory/message.html", program=program, code=partner.referrer.code, name=name, form=form
    )


def _wanted() -> Wanted:
    args = request.args
    number = args.get("expertise", "")
    return Wanted(
        expertise=int(number) if number.isascii() and number.isdecimal() and len(number) < 10 else 0,  # noqa: PLR2004 - fits the column
        language=args.get("language", "")[:8],
        country=args.get("country", "")[:8],
        price_band=args.get("price", "")[:8],
        search=args.get("q", "")[:100],
        order=Order.NAME if args.get("sort") == Order.NAME.value else Order.RATING,
        after=args.get("after", "")[:32],
    )
