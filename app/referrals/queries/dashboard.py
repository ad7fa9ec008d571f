"""What a referrer's pages read: memberships, commissions, orders. All by indexes."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from sqlalchemy import (
    ColumnElement,
    and_,
    func,
    or_,
    select,
)
from sqlalchemy.orm import aliased

from app.ledger.models import LedgerEntry
from app.referrals.models import (
    Binding,
    Commission,
    Customer,
    Decision,
    Hold,
    Order,
    OrderLine,
    Product,
    Program,
    PublishedTerms,
    RateVersion,
    Referrer,
    Refund,
    TeamLevel,
    TeamMember,
    TermsAcceptance,
)
from app.referrals.tiers import Numbered, number_of

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from datetime import datetime

    from sqlalchemy import ScalarSelect
    from sqlalchemy.orm import InstrumentedAttribute, Session

PAGE: Final = 25


@dataclass(frozen=True, slots=True)
class Membership:
    """One programme that a person takes part in."""

    referrer: Referrer
    program: Program
    new_terms: PublishedTerms | None
    """The newest version of the terms, where they have not accepted it."""
    level: TeamLevel = TeamLevel.OWNER
    is_holder: bool = True
    """Whether it is their own account, not one that somebody let them into."""

    @property
    def may_change(self) -> bool:
        """Whether they may do more than look."""
        return self.level is TeamLevel.OWNER


@dataclass(frozen=True, slots=True)
class CommissionRow:
    """A commission with the order line that earned it, as lists show it."""

    commission: Commission
    line: OrderLine
    product: Product | None
    order: Order
    posted_at: datetime | None
    """When the ledger first knew of it; ``None`` where nothing was ever posted."""


@dataclass(frozen=True, slots=True)
class CommissionStory:
    """Everything that a commission's why-page tells."""

    row: CommissionRow
    customer: Customer
    binding: Binding | None
    decision: Decision | None
    rate: RateVersion
    refunds: tuple[Refund, ...]
    holds: tuple[Hold, ...]
    tier: Numbered | None = None
    """Which number the customer is, where the rate has performance tiers."""


def memberships(session: Session, user_id: int) -> list[Membership]:
    """The programmes of a person, the oldest membership first: their own, and those whose team they are in."""
    own = select(Referrer.id).where(Referrer.user_id == user_id)
    shared = select(TeamMember.referrer_id).where(TeamMember.user_id == user_id)
    other = aliased(PublishedTerms)
    newest = select(func.max(other.number)).where(other.program_id == Referrer.program_id).scalar_subquery()
    rows = session.execute(
        select(Referrer, Program, PublishedTerms, TermsAcceptance.id, TeamMember.level)
        .join(Program, Program.id == Referrer.program_id)
        .outerjoin(
            PublishedTerms,
            (PublishedTerms.program_id == Referrer.program_id) & (PublishedTerms.number == newest),
        )
        .outerjoin(
            TermsAcceptance,
            (TermsAcceptance.referrer_id == Referrer.id) & (TermsAcceptance.terms_id == PublishedTerms.id),
        )
        .outerjoin(TeamMember, (TeamMember.referrer_id == Referrer.id) & (TeamMember.user_id == user_id))
        .where(Referrer.id.in_(own.union(shared)))
        .order_by(Referrer.user_id != user_id, Referrer.joined_at, Referrer.id)
    )
    return [
        Membership(
            referrer,
            program,
            None if accepted else terms,
            level=TeamLevel.OWNER if referrer.user_id == user_id else level,
            is_holder=referrer.user_id == user_id,
        )
        for referrer, program, terms, accepted, level in rows
    ]


def commission_rows(
    session: Session, referrer_id: int, *, before: tuple[datetime, int] | None = None, limit: int = PAGE
) -> list[CommissionRow]:
    """The newest commissions before the cursor (``paid_at``, ``id``), newest first."""
    wanted = (
        select(Commission, OrderLine, Product, Order, first_posted())
        .join(OrderLine, OrderLine.id == Commission.order_line_id)
        .join(Order, Order.id == Commission.order_id)
        .outerjoin(Product, Product.id == OrderLine.product_id)
        .where(Commission.referrer_id == referrer_id)
        .order_by(Commission.paid_at.desc(), Commission.id.desc())
        .limit(limit)
    )
    if before is not None:
        wanted = wanted.where(older(Commission.paid_at, Commission.id, before))
    return [CommissionRow(*row) for row in session.execute(wanted)]


def older(
    at: InstrumentedAttribute[datetime], key: InstrumentedAttribute[int], cursor: tuple[datetime, int]
) -> ColumnElement[bool]:
    """Rows that come after the cursor in a list that is newest first."""
    return or_(at < cursor[0], and_(at == cursor[0], key < cursor[1]))


def first_posted() -> ScalarSelect[datetime]:
    """When the ledger first knew of a commission."""
    return (
        select(func.min(LedgerEntry.posted_at))
        .where(LedgerEntry.commission_id == Commission.id)
        .correlate(Commission)
        .scalar_subquery()
    )


def commission_story(
    session: Session, commission_id: int, referrer_ids: Iterable[int]
) -> CommissionStory | None:
    """One commission with its whole story, if it belongs to one of these referrers."""
    rows = session.execute(
        select(Commission, OrderLine, Product, Order, first_posted(), Customer, RateVersion, Hold)
        .join(OrderLine, OrderLine.id == Commission.order_line_id)
        .join(Order, Order.id == Commission.order_id)
        .join(Customer, Customer.id == Order.customer_id)
        .join(RateVersion, RateVersion.id == Commission.rate_version_id)
        .outerjoin(Product, Product.id == OrderLine.product_id)
        .outerjoin(Hold, and_(Hold.commission_id == Commission.id, Hold.told()))
        .where(Commission.id == commission_id, Commission.referrer_id.in_(list(referrer_ids)))
        .order_by(Hold.opened_at, Hold.id)
    ).all()
    if not rows:
        return None
    commission, line, product, order, posted_at, customer, rate, _hold = rows[0]
    holds: list[Hold | None] = [row[-1] for row in rows]
    return CommissionStory(
        row=CommissionRow(commission, line, product, order, posted_at),
        customer=customer,
        binding=_binding_behind(session, commission, order),
        decision=_decision_behind(session, commission, order),
        rate=rate,
        refunds=tuple(
            session.scalars(
                select(Refund).where(Refund.order_id == order.id).order_by(Refund.refunded_at, Refund.id)
            )
        ),
        holds=tuple(hold for hold in holds if hold is not None),
        tier=_tier(session, commission, order, rate),
    )


def _tier(session: Session, commission: Commission, order: Order, rate: RateVersion) -> Numbered | None:
    if not rate.tiers or not rate.tier_basis or order.referrer_id != commission.referrer_id:
        return None
    program = session.get_one(Program, commission.program_id)
    return number_of(session, order, commission.referrer_id, rate.tier_basis, program.timezone)


def _binding_behind(session: Session, commission: Commission, order: Order) -> Binding | None:
    """The binding that made the customer this referrer's when the order was placed."""
    return session.scalars(
        select(Binding)
        .where(
            Binding.customer_id == order.customer_id,
            Binding.referrer_id == commission.referrer_id,
            Binding.from_at <= order.placed_at,
        )
        .order_by(Binding.from_at.desc())
        .limit(1)
    ).first()


def _decision_behind(session: Session, commission: Commission, order: Order) -> Decision | None:
    """The decision in force that gave the customer to this referrer."""
    return session.scalars(
        select(Decision)
        .where(
            Decision.customer_id == order.customer_id,
            Decision.superseded_at.is_(None),
            Decision.referrer_id == commission.referrer_id,
        )
        .order_by(Decision.occasion_at)
        .limit(1)
    ).first()


@dataclass(frozen=True, slots=True)
class OrderRow:
    """An order of one of the referrer's customers, with its lines and what each earned."""

    order: Order
    customer: Customer
    lines: tuple[tuple[OrderLine, Product | None, Commission | None], ...]


def orders_of(
    session: Session, referrer_id: int, *, before: tuple[datetime, int] | None = None, limit: int = PAGE
) -> list[OrderRow]:
    """The newest orders that belong to a referrer, with every line: also those that earn nothing."""
    wanted = (
        select(Order, Customer)
        .join(Customer, Customer.id == Order.customer_id)
        .where(Order.referrer_id == referrer_id)
        .order_by(Order.placed_at.desc(), Order.id.desc())
        .limit(limit)
    )
    if before is not None:
        wanted = wanted.where(older(Order.placed_at, Order.id, before))
    return _with_lines(session, session.execute(wanted).all())


def own_order(session: Session, order_id: int, referrer_ids: Iterable[int]) -> tuple[Order, Customer] | None:
    """One order with its customer, if it belongs to one of these referrers."""
    wanted = (
        select(Order, Customer)
        .join(Customer, Customer.id == Order.customer_id)
        .where(Order.id == order_id, Order.referrer_id.in_(list(referrer_ids)))
    )
    found = session.execute(wanted).first()
    return (found[0], found[1]) if found else None


def _with_lines(session: Session, orders: Sequence[tuple[Order, Customer]]) -> list[OrderRow]:
    # A line may have earned for an earlier partner too; each referrer sees only what is theirs.
    theirs = and_(Commission.order_line_id == OrderLine.id, Commission.referrer_id == Order.referrer_id)
    rows = session.execute(
        select(OrderLine, Product, Commission)
        .join(Order, Order.id == OrderLine.order_id)
        .outerjoin(Product, Product.id == OrderLine.product_id)
        .outerjoin(Commission, theirs)
        .where(OrderLine.order_id.in_([order.id for order, _ in orders]))
        .order_by(OrderLine.order_id, OrderLine.position, OrderLine.id)
    )
    lines: dict[int, list[tuple[OrderLine, Product | None, Commission | None]]] = {}
    for line, product, commission in rows:
        lines.setdefault(line.order_id, []).append((line, product, commission))
    return [OrderRow(order, customer, tuple(lines.get(order.id, ()))) for order, customer in orders]
