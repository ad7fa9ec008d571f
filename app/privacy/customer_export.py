"""Everything that is known of one customer, as one document (art. 15 and 20 GDPR)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from sqlalchemy import or_, select

from app.directory.models import Rating
from app.privacy.plain import plain, rows_of
from app.referrals.customers import signups_of
from app.referrals.models import (
    Assignment,
    Binding,
    Click,
    Commission,
    Correction,
    Decision,
    Fact,
    FactKind,
    Hold,
    Order,
    OrderLine,
    PartnerChoice,
    Referrer,
    Refund,
    Signup,
)

if TYPE_CHECKING:
    from collections.abc import Iterable

    from sqlalchemy.orm import Session

    from app.referrals.models import Customer, Program


def customer_export(session: Session, program: Program, customer: Customer) -> dict[str, Any]:
    """The sections of the document, each a list of rows in the order in which they came about."""
    signup = session.get(Signup, customer.id)
    orders = session.scalars(
        select(Order).where(Order.customer_id == customer.id).order_by(Order.placed_at, Order.id)
    ).all()
    pks = [order.id for order in orders]
    return {
        "customer_id": customer.customer_id,
        "program": program.slug,
        "first_seen_at": plain(customer.first_seen_at),
        "first_paid_of_orders_that_became_totals": plain(customer.forgotten_paid_at),
        "erased_at": plain(customer.erased_at),
        "email_fingerprint": customer.email_key,
        "marks": customer.marks or [],
        "signup": rows_of([signup], "signed_up_at", "click_ids", "coupons", "referrer_codes", "lead_ids"),
        "clicks": _clicks(session, program, signup, orders),
        "partners": _partners(session, customer),
        "choices": rows_of(
            session.scalars(select(PartnerChoice).where(PartnerChoice.customer_id == customer.id)),
            "chosen_at",
        ),
        "decisions": _decisions(session, customer),
        "corrections_by_staff": rows_of(
            session.scalars(
                select(Assignment).where(Assignment.customer_id == customer.id).order_by(Assignment.id)
            ),
            "assignment_id",
            "from_at",
            "also_earlier",
            "reason",
            "made_at",
        ),
        "orders": [_order(session, order) for order in orders],
        "reviews": _reviews(session, pks),
        "ratings": _ratings(session, customer),
        "facts": _facts(session, program, customer, orders),
    }


def _decisions(session: Session, customer: Customer) -> list[dict[str, Any]]:
    return rows_of(
        session.scalars(select(Decision).where(Decision.customer_id == customer.id).order_by(Decision.id)),
        "decision_id",
        "occasion",
        "occasion_ref",
        "occasion_at",
        "rule",
        "method",
        "bound_from",
        "candidates",
        "unpresented",
        "reason",
        "decided_at",
        "superseded_at",
    )


def _clicks(
    session: Session, program: Program, signup: Signup | None, orders: Iterable[Order]
) -> list[dict[str, Any]]:
    """The raw clicks that the customer brought along; others cannot be told to be theirs."""
    brought = {order.click_id for order in orders if order.click_id} | set(signup.click_ids if signup else ())
    found = session.scalars(
        select(Click).where(Click.program_id == program.id, Click.click_id.in_(brought)).order_by(Click.at)
    )
    return rows_of(found, "click_id", "at", "campaign", "label", "visitor", "network", "agent", "source_host")


def _partners(session: Session, customer: Customer) -> list[dict[str, Any]]:
    found = session.execute(
        select(Binding, Referrer.code, Referrer.name)
        .join(Referrer, Referrer.id == Binding.referrer_id)
        .where(Binding.customer_id == customer.id)
        .order_by(Binding.from_at)
    )
    return [
        {"referrer": code, "name": name} | rows_of([binding], "method", "from_at", "until_at")[0]
        for binding, code, name in found
    ]


def _order(session: Session, order: Order) -> dict[str, Any]:
    own = rows_of(
        [order],
        "order_id",
        "currency",
        "status",
        "placed_at",
        "paid_at",
        "cancelled_at",
        "method",
        "click_id",
        "coupon",
    )[0]
    lines = session.scalars(
        select(OrderLine).where(OrderLine.order_id == order.id).order_by(OrderLine.position)
    )
    own["payer_fingerprint"] = order.payer_iban_key
    own["lines"] = rows_of(
        lines, "line_id", "sku", "quantity", "net_minor", "refunded_minor", "kind", "outcome"
    )
    own["commissions"] = rows_of(
        session.scalars(select(Commission).where(Commission.order_id == order.id)),
        "target_minor",
        "available_on",
    )
    for name, model, columns in (
        ("corrections", Correction, ("correction_id", "corrected_at", "lines")),
        ("refunds", Refund, ("refund_id", "kind", "refunded_at", "full", "lines", "reverses")),
    ):
        found = session.scalars(select(model).where(model.order_id == order.id).order_by(model.id))
        own[name] = rows_of(found, *columns)
    return own


def _ratings(session: Session, customer: Customer) -> list[dict[str, Any]]:
    """What the customer said of partners in the directory, and what of it is shown."""
    found = session.execute(
        select(Rating, Referrer.code)
        .join(Referrer, Referrer.id == Rating.referrer_id)
        .where(Rating.customer_id == customer.id)
        .order_by(Rating.id)
    )
    columns = ("state", "stars", "words", "signature", "written_at", "remark")
    shown = ("shown_stars", "shown_words", "shown_signature", "shown_at")
    return [{"referrer": code} | rows_of([rating], *columns, *shown)[0] for rating, code in found]


def _reviews(session: Session, order_pks: list[int]) -> list[dict[str, Any]]:
    found = session.execute(
        select(Hold, Order.order_id)
        .join(Commission, Commission.id == Hold.commission_id)
        .join(Order, Order.id == Commission.order_id)
        .where(Commission.order_id.in_(order_pks))
        .order_by(Hold.id)
    )
    columns = ("rule", "rule_version", "evidence", "state", "opened_at", "closed_at", "reason")
    return [{"order_id": order_id} | rows_of([hold], *columns)[0] for hold, order_id in found]


def _facts(
    session: Session, program: Program, customer: Customer, orders: Iterable[Order]
) -> list[dict[str, Any]]:
    """What the merchant reported, as it is kept."""
    chosen = (Fact.kind == FactKind.PARTNER_CHOICE) & Fact.key.startswith(
        f"{customer.customer_id}\n", autoescape=True
    )
    mine = or_(
        signups_of(customer.customer_id), chosen, Fact.order_id.in_([order.order_id for order in orders])
    )
    found = session.scalars(select(Fact).where(Fact.program_id == program.id, mine).order_by(Fact.id))
    return rows_of(found, "kind", "state", "received_at", "body")
