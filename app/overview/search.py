"""Finding anything of a programme by what it is called: one query, every part of it by the beginning of an index."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING, Any, Final

from sqlalchemy import Integer, Text, case, cast, func, literal, null, or_, select, true, union_all

from app.payouts.models import BankEvent, Payout, PayoutFile, PayoutRun
from app.referrals.models import Coupon, Customer, Link, Order, Product, Referrer, Refund

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable

    from sqlalchemy import ColumnElement, Select
    from sqlalchemy.orm import InstrumentedAttribute, Session

MOST: Final = 8
"""Of each kind; whoever has more types more."""

LONGEST: Final = 200
"""Characters that are looked at; nothing has a longer name."""

_LAST: Final = "\U0010ffff"


class Kind(StrEnum):
    """What can be found, in the order in which it is shown."""

    REFERRER = "referrer"
    CUSTOMER = "customer"
    ORDER = "order"
    REFUND = "refund"
    PAYOUT = "payout"
    RUN = "run"
    BANK = "bank"
    PRODUCT = "product"
    COUPON = "coupon"
    CAMPAIGN = "campaign"


_MANY: Final = {
    Kind.CUSTOMER: Customer.customer_id,
    Kind.ORDER: Order.order_id,
    Kind.REFUND: Refund.refund_id,
    Kind.PAYOUT: Payout.end_to_end_id,
}
"""What there are many of, and the column by whose index they are found."""


@dataclass(frozen=True, slots=True)
class Hit:
    """Something that was found. ``ref`` says where it is shown: a code, a name or a row's number, by its kind."""

    kind: Kind
    ref: str
    text: str
    sub: str
    exact: bool
    """Whether it is called exactly so; others only begin with it."""


def search(
    session: Session, program_id: int, words: str, email_key: str, kinds: Collection[Kind]
) -> list[Hit]:
    """What of these kinds is called so or begins with it, exact ones first within each kind. One query.

    ``email_key`` is the fingerprint of ``words`` where they are an e-mail address, else empty.
    """
    parts = _parts(program_id, words, email_key)
    wanted = [_first(kind, parts[kind], email_key) for kind in Kind if kind in kinds]
    if not words or not wanted:
        return []
    limited = [select(each.subquery()) for each in wanted]
    order = {kind: number for number, kind in enumerate(Kind)}
    hits = [
        Hit(Kind(kind), ref or "", text, sub or "", exact=not inexact)
        for kind, ref, text, sub, inexact in session.execute(union_all(*limited))
    ]
    return sorted(hits, key=lambda hit: (order[hit.kind], not hit.exact, hit.text))


def _first(kind: Kind, part: Select[*tuple[Any, ...]], email_key: str) -> Select[*tuple[Any, ...]]:
    """The first few, exact ones before others.

    Of many that begin alike, the index's own order has the shortest first, which is the exact one: nothing is sorted,
    and two letters cost what ten do.
    """
    by = _MANY.get(kind) if not email_key else None
    return part.order_by(*(("exact", "text") if by is None else (by,))).limit(MOST)


def cleaned(words: str) -> str:
    """What is searched for of what was typed."""
    return words.replace("\0", "").strip()[:LONGEST].strip()


def _parts(program_id: int, words: str, email_key: str) -> dict[Kind, Select[*tuple[Any, ...]]]:
    return {
        **_people(program_id, words, email_key),
        **_sales(program_id, words, email_key),
        **_money(program_id, words),
    }


def _people(program_id: int, words: str, email_key: str) -> dict[Kind, Select[*tuple[Any, ...]]]:
    code, campaign, coupon = words.lower(), words.lower(), words.upper()
    # As it was typed, and as names are written: an index knows no small and capital letters.
    spellings = {words, words.lower(), words.title(), words.capitalize(), words.upper()}
    named = [_begins(Referrer.name, each) for each in sorted(spellings)]
    called = [Referrer.code == code, *(Referrer.name == each for each in sorted(spellings))]
    ours = Referrer.program_id == program_id
    mailed = [Referrer.email_key == email_key] if email_key else []
    return {
        Kind.REFERRER: _hit(
            Kind.REFERRER, Referrer.code, Referrer.name, Referrer.code, [*called, *mailed]
        ).where(ours, or_(_begins(Referrer.code, code), *named, *mailed)),
        Kind.COUPON: _hit(Kind.COUPON, Referrer.code, Coupon.code, Referrer.name, [Coupon.code == coupon])
        .join_from(Coupon, Referrer, Referrer.id == Coupon.referrer_id)
        .where(Coupon.program_id == program_id, _begins(Coupon.code, coupon)),
        Kind.CAMPAIGN: _hit(Kind.CAMPAIGN, Referrer.code, Link.campaign, Referrer.name, [Link.campaign == campaign])
        .join_from(Link, Referrer, Referrer.id == Link.referrer_id)
        .where(ours, Link.campaign != "", _begins(Link.campaign, campaign)),
    }  # fmt: skip


def _sales(program_id: int, words: str, email_key: str) -> dict[Kind, Select[*tuple[Any, ...]]]:
    mailed = [Customer.email_key == email_key] if email_key else []
    begins = Product.sku.istartswith(words, autoescape=True) | Product.name.icontains(words, autoescape=True)
    return {
        Kind.CUSTOMER: _hit(
            Kind.CUSTOMER, Customer.id, Customer.customer_id, None, [Customer.customer_id == words, *mailed]
        ).where(Customer.program_id == program_id, or_(_begins(Customer.customer_id, words), *mailed)),
        Kind.ORDER: _hit(Kind.ORDER, Order.id, Order.order_id, None, [Order.order_id == words]).where(
            Order.program_id == program_id, _begins(Order.order_id, words)
        ),
        Kind.REFUND: _hit(Kind.REFUND, Order.id, Refund.refund_id, Order.order_id, [Refund.refund_id == words])
        .join_from(Refund, Order, Order.id == Refund.order_id)
        .where(Refund.program_id == program_id, _begins(Refund.refund_id, words)),
        # A programme has few products: those are looked through.
        Kind.PRODUCT: _hit(Kind.PRODUCT, Product.sku, Product.name, Product.sku, [Product.sku == words]).where(
            Product.program_id == program_id, begins
        ),
    }  # fmt: skip


def _money(program_id: int, words: str) -> dict[Kind, Select[*tuple[Any, ...]]]:
    capitals = words.upper()
    ours = PayoutRun.program_id == program_id
    named = _begins(PayoutRun.name, words.lower()) | _begins(PayoutRun.name, words)
    called = [PayoutRun.name == words, PayoutRun.period == words]
    file = PayoutFile.message_id
    return {
        Kind.PAYOUT: _hit(
            Kind.PAYOUT, PayoutRun.name, Payout.end_to_end_id, Referrer.name, [Payout.end_to_end_id == capitals]
        )
        .join_from(Payout, PayoutRun, PayoutRun.id == Payout.run_id)
        .join(Referrer, Referrer.id == Payout.referrer_id)
        .where(ours, _begins(Payout.end_to_end_id, capitals)),
        Kind.RUN: _hit(Kind.RUN, PayoutRun.name, PayoutRun.name, null(), [*called, file == capitals])
        .outerjoin_from(PayoutRun, PayoutFile, (PayoutFile.run_id == PayoutRun.id) & (file == capitals))
        .where(ours, or_(named, _begins(PayoutRun.period, words), file == capitals)),
        Kind.BANK: _bank(ours, words),
    }  # fmt: skip


def _bank(ours: ColumnElement[bool], words: str) -> Select[*tuple[Any, ...]]:
    # The bank account is one for all programmes; what belongs to a payout is shown with that payout's programme.
    text = func.coalesce(BankEvent.entry_ref, BankEvent.end_to_end_id)
    return (
        _hit(Kind.BANK, PayoutRun.name, text, BankEvent.end_to_end_id, [true()])
        .outerjoin_from(BankEvent, Payout, Payout.id == BankEvent.payout_id)
        .outerjoin(PayoutRun, PayoutRun.id == Payout.run_id)
        .where(
            or_(BankEvent.entry_ref == words, BankEvent.end_to_end_id.in_({words, words.upper()})),
            or_(BankEvent.payout_id.is_(None), ours),
        )
    )


def _hit(
    kind: Kind,
    ref: InstrumentedAttribute[Any],
    text: InstrumentedAttribute[Any] | ColumnElement[Any],
    sub: InstrumentedAttribute[Any] | ColumnElement[Any] | None,
    exact: Iterable[ColumnElement[bool]],
) -> Select[*tuple[Any, ...]]:
    # 0 for an exact one, so that those come first.
    return select(
        literal(kind.value).label("kind"),
        cast(ref, Text).label("ref"),
        cast(text, Text).label("text"),
        cast(null() if sub is None else sub, Text).label("sub"),
        cast(case((or_(*exact), 0), else_=1), Integer).label("exact"),
    )


def _begins(column: InstrumentedAttribute[str], words: str) -> ColumnElement[bool]:
    """A range of the index, in which ``%`` and ``_`` are characters like all others."""
    return column.between(words, words + _LAST)
