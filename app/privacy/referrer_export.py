"""Everything that is kept of one referrer, section by section, row by row (art. 15 and 20 GDPR)."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import IO, TYPE_CHECKING, Any, Final, TypeAlias

from sqlalchemy import or_, select

from app.directory.models import Listing, Profile, Rating
from app.identity.models import (
    AuditEvent,
    Authenticator,
    EmailChange,
    Passkey,
    RecoveryCode,
    User,
    UserSession,
)
from app.payouts.models import Payout, PayoutDestination, PayoutOmission, PayoutRun, TaxDocument, TaxProfile
from app.privacy.plain import plain, row_of
from app.promo.models import BannerViews
from app.referrals.models import (
    ClickTotal,
    Commission,
    Contest,
    Coupon,
    Hold,
    Lead,
    Link,
    Order,
    OrderLine,
    Program,
    RateVersion,
    Referrer,
    ReferrerNetwork,
    TeamMember,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence

    from sqlalchemy import Select
    from sqlalchemy.orm import Session

    from app.privacy.house import House

Row: TypeAlias = dict[str, Any]

_AT_ONCE: Final = 1_000
_TAX_DETAILS: Final = (
    *("status", "legal_name", "street", "postcode", "town", "country"),
    *("vat_id", "tax_number", "small_business_id", "created_at"),
)


@dataclass(frozen=True, slots=True)
class Section:
    """A name and its rows. The rows are read anew each time, a thousand at once: there may be many."""

    name: str
    rows: Callable[[], Iterable[Row]]


def referrer_sections(house: House, session: Session, referrer: Referrer) -> list[Section]:
    """The sections about the person behind a referrer: every programme they take part in with that account."""
    user = session.get(User, referrer.user_id) if referrer.user_id else None
    mine = [referrer]
    if user is not None:
        mine = list(
            session.scalars(select(Referrer).where(Referrer.user_id == user.id).order_by(Referrer.id))
        )
    told = _Told(session, mine)
    addresses = {each.email for each in mine} | ({user.email} if user else set())
    return [
        *_account_and_sessions(session, user, told),
        Section("memberships", lambda: _memberships(session, mine)),
        Section("teams", lambda: _teams(session, user)),
        Section("links", lambda: told.of(select(Link.referrer_id, Link), "campaign", "to", "created_at")),
        Section("coupons", lambda: told.of(select(Coupon.referrer_id, Coupon), "code", "created_at")),
        Section("leads", lambda: told.of(select(Lead.referrer_id, Lead), "lead_id", "registered_at")),
        Section("own_rates", told.rates),
        Section("clicks", lambda: told.of(_click_totals(), "day", "campaign", "label", "count")),
        Section(
            "banner_views",
            lambda: told.of(select(BannerViews.referrer_id, BannerViews), "asset_id", "count"),
        ),
        Section("commissions", told.commissions),
        Section("reviews", told.reviews),
        Section(
            "contests",
            lambda: told.of(
                select(Contest.referrer_id, Contest).order_by(Contest.id),
                *("subject", "about", "state", "words", "opened_at", "answer", "answered_at"),
            ),
        ),
        *_shown_in_the_directory(told),
        Section("payouts", told.payouts),
        Section("left_out", told.omissions),
        Section("bank_accounts", told.bank_accounts),
        Section("tax_details", lambda: told.of(_tax_profiles(), *_TAX_DETAILS)),
        Section("documents", told.documents),
        Section(
            "mails",
            lambda: [
                row_of(mail, "kind", "recipient", "created_at", "sent_at")
                for mail in house.mail.kept_for(session, addresses)
            ],
        ),
        Section("trail", lambda: _trail(session, mine, user)),
    ]


def _account_and_sessions(session: Session, user: User | None, told: _Told) -> list[Section]:
    """How they log in, and from where."""
    return [
        Section("account", lambda: _account(user)),
        Section("sessions", lambda: _sessions(session, user)),
        Section("addresses", lambda: _addresses(session, user)),
        Section("second_steps", lambda: _second_steps(session, user)),
        Section(
            "networks",
            lambda: told.of(select(ReferrerNetwork.referrer_id, ReferrerNetwork), "day", "network"),
        ),
    ]


def _shown_in_the_directory(told: _Told) -> list[Section]:
    """What the directory of partners says of them, and what they have ready for it."""
    return [
        Section(
            "profile",
            lambda: told.of(
                select(Profile.referrer_id, Profile),
                *("state", "content", "saved_at", "submitted_at", "remark"),
            ),
        ),
        Section(
            "directory",
            lambda: told.of(select(Listing.referrer_id, Listing), "content", "published_at"),
        ),
        Section(
            "ratings",
            lambda: told.of(
                select(Rating.referrer_id, Rating).where(Rating.shown_at.is_not(None)).order_by(Rating.id),
                *("shown_stars", "shown_words", "shown_signature", "shown_at", "answer", "answered_at"),
            ),
        ),
    ]


def write_json(sections: Sequence[Section], into: IO[str]) -> None:
    """The sections as one JSON object, a row a line."""
    into.write("{")
    for number, section in enumerate(sections):
        into.write(f"{',' if number else ''}\n{json.dumps(section.name)}: [")
        for place, row in enumerate(section.rows()):
            into.write(f"{',' if place else ''}\n  {json.dumps(row, ensure_ascii=False)}")
        into.write("]")
    into.write("\n}\n")


def _account(user: User | None) -> Iterator[Row]:
    if user is not None:
        yield row_of(user, "public_id", "email", "name", "role", "locale", "email_verified_at", "created_at")


def _sessions(session: Session, user: User | None) -> Iterator[Row]:
    if user is not None:
        wanted = select(UserSession).where(UserSession.user_id == user.id).order_by(UserSession.id)
        for each in session.scalars(wanted):
            yield row_of(each, "agent", "created_at", "seen_at", "expires_at", "revoked_at")


def _addresses(session: Session, user: User | None) -> Iterator[Row]:
    if user is not None:
        wanted = select(EmailChange).where(EmailChange.user_id == user.id).order_by(EmailChange.id)
        for each in session.scalars(wanted):
            yield row_of(each, "old_email", "new_email", "asked_at", "confirmed_at", "undone_at")


def _second_steps(session: Session, user: User | None) -> Iterator[Row]:
    """What there is, and since when; of secrets, keys and codes nothing."""
    if user is None:
        return
    for app in session.scalars(select(Authenticator).where(Authenticator.user_id == user.id)):
        yield {"kind": "authenticator"} | row_of(app, "created_at")
    for passkey in session.scalars(select(Passkey).where(Passkey.user_id == user.id).order_by(Passkey.id)):
        yield {"kind": "passkey"} | row_of(passkey, "name", "created_at", "used_at")
    wanted = select(RecoveryCode).where(RecoveryCode.user_id == user.id).order_by(RecoveryCode.id)
    for code in session.scalars(wanted):
        yield {"kind": "recovery_code"} | row_of(code, "created_at", "used_at")


def _memberships(session: Session, mine: Sequence[Referrer]) -> Iterator[Row]:
    columns = ("code", "name", "email", "locale", "status", "suspensions", "joined_at")
    for each in mine:
        program = session.get_one(Program, each.program_id)
        terms = row_of(each, "terms_version", "terms_accepted_at")
        yield {"program": program.name} | row_of(each, *columns) | terms


def _teams(session: Session, user: User | None) -> Iterator[Row]:
    """Whose team they are in. Who is in theirs is told by its page: those are other people."""
    if user is not None:
        wanted = select(TeamMember, Referrer).join(Referrer, Referrer.id == TeamMember.referrer_id)
        for member, referrer in session.execute(wanted.where(TeamMember.user_id == user.id)):
            yield {"referrer": referrer.code} | row_of(member, "level", "added_at")


def _tax_profiles() -> Select[*tuple[Any, ...]]:
    return select(TaxProfile.referrer_id, TaxProfile).order_by(TaxProfile.id)


def _click_totals() -> Select[*tuple[Any, ...]]:
    return select(ClickTotal.referrer_id, ClickTotal).order_by(ClickTotal.day)


def _trail(session: Session, mine: Sequence[Referrer], user: User | None) -> Iterator[Row]:
    """What the audit trail says of them. Who on the staff acted is told by their role in it, not by name."""
    subjects = [f"referrer:{each.code}" for each in mine]
    me = f"user:{user.public_id}" if user else ""
    wanted = select(AuditEvent).where(or_(AuditEvent.subject.in_([*subjects, me]), AuditEvent.actor == me))
    for event in session.scalars(wanted.order_by(AuditEvent.id)):
        staff = event.actor.startswith("user:")
        actor = "self" if event.actor == me else "staff" if staff else event.actor.partition(":")[0]
        yield {"actor": actor} | row_of(event, "at", "action", "subject", "details")


@dataclass(frozen=True)
class _Told:
    session: Session
    mine: Sequence[Referrer]

    def of(self, wanted: Select[*tuple[Any, ...]], *columns: str) -> Iterator[Row]:
        """Rows that carry a referrer's id: ``wanted`` selects (referrer id, row)."""
        for referrer, row in self._rows(wanted):
            yield {"referrer": referrer.code} | row_of(row[0], *columns)

    def documents(self) -> Iterator[Row]:
        """Invoices and corrections, with all that stands in them."""
        wanted = select(TaxDocument.referrer_id, TaxDocument).order_by(TaxDocument.id)
        yield from self.of(wanted, "number", "issued_on", "state", "objection", "facts")

    def rates(self) -> Iterator[Row]:
        """Rates of their own."""
        columns = ("kind", "rate_ppm", "flat_minor", "duration", "duration_months", "scope", "valid_from")
        yield from self.of(
            select(RateVersion.referrer_id, RateVersion).order_by(RateVersion.valid_from), *columns
        )

    def commissions(self) -> Iterator[Row]:
        """Each with the product and the pseudonym of the customer."""
        wanted = (
            select(Commission.referrer_id, Commission, OrderLine.sku, Order.customer_id, Program.currency)
            .join(OrderLine, OrderLine.id == Commission.order_line_id)
            .join(Order, Order.id == Commission.order_id)
            .join(Program, Program.id == Commission.program_id)
            .order_by(Commission.paid_at, Commission.id)
        )
        columns = ("base_minor", "earned_minor", "target_minor", "held_minor", "rejected", "available_on")
        for referrer, (commission, sku, customer, currency) in self._rows(wanted):
            own = {"referrer": referrer.code, "paid_at": plain(commission.paid_at), "product": sku}
            yield (
                own
                | {"customer": pseudonym(customer)}
                | row_of(commission, *columns)
                | {"currency": currency}
            )

    def reviews(self) -> Iterator[Row]:
        """Reviews of their commissions. The evidence tells of other people and is not theirs to have."""
        wanted = (
            select(Commission.referrer_id, Hold)
            .join(Commission, Commission.id == Hold.commission_id)
            .where(Hold.told())
            .order_by(Hold.id)
        )
        yield from self.of(wanted, "rule", "state", "opened_at", "closed_at")

    def payouts(self) -> Iterator[Row]:
        """With the last characters of the account that each went to."""
        wanted = (
            select(Payout.referrer_id, Payout, PayoutRun.period, PayoutDestination.last4)
            .join(PayoutRun, PayoutRun.id == Payout.run_id)
            .join(PayoutDestination, PayoutDestination.id == Payout.destination_id)
            .order_by(Payout.id)
        )
        columns = (
            "amount_minor",
            "currency",
            "state",
            "end_to_end_id",
            "created_at",
            "paid_on",
            "returned_on",
        )
        for referrer, (payout, period, last4) in self._rows(wanted):
            yield {"referrer": referrer.code, "period": period} | row_of(payout, *columns) | {"last4": last4}

    def omissions(self) -> Iterator[Row]:
        """Runs that left them out, and why."""
        wanted = (
            select(PayoutOmission.referrer_id, PayoutOmission, PayoutRun.period, PayoutRun.currency)
            .join(PayoutRun, PayoutRun.id == PayoutOmission.run_id)
            .order_by(PayoutOmission.id)
        )
        for referrer, (omission, period, currency) in self._rows(wanted):
            told = row_of(omission, "available_minor", "reason")
            yield {"referrer": referrer.code, "period": period} | told | {"currency": currency}

    def bank_accounts(self) -> Iterator[Row]:
        """Masked: whoever reads this file need not learn the numbers."""
        wanted = select(PayoutDestination.referrer_id, PayoutDestination).order_by(PayoutDestination.id)
        yield from self.of(
            wanted,
            "version",
            "holder",
            "country",
            "last4",
            "bic",
            "street",
            "building",
            "postcode",
            "town",
            "address_country",
            "source",
            "usable_on",
            "created_at",
            "blocked_reason",
        )

    def _rows(self, wanted: Select[*tuple[Any, ...]]) -> Iterator[tuple[Referrer, Any]]:
        """(referrer, the rest of the row) of every row whose first column is one of theirs."""
        codes = {each.id: each for each in self.mine}
        first = wanted.selected_columns[0]
        chosen = wanted.where(first.in_(codes))
        for row in self.session.execute(chosen, execution_options={"yield_per": _AT_ONCE}):
            yield codes[row[0]], row[1:]


def pseudonym(customer_pk: int) -> str:
    """What a referrer calls a customer, as their pages write it."""
    return f"C-{customer_pk:05d}"
