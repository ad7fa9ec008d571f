"""A programme's rulebook: its settings, terms, products and rates, everything that decides what an order earns.

Read by every order, changed a few times a year. Each change gives the programme a new random ``rules_key``; that key
is read in every transaction, so a process keeps the rulebook of a key for as long as it likes and is never out of
date. The key is random and not a counter: a change that is rolled back must not share its key with the next one.
"""

from __future__ import annotations

from collections import OrderedDict, defaultdict
from dataclasses import dataclass
from functools import cached_property
from threading import Lock
from typing import TYPE_CHECKING, Final

from sqlalchemy import select

from app.kernel import ids
from app.kernel.db import table_of
from app.referrals.domain.rates import Rate, Step
from app.referrals.domain.review import ReviewSettings, read_settings
from app.referrals.models import Product, Program, ProgramTerms, RateVersion
from app.referrals.terms import Terms, TermsHistory
from app.referrals.words import CommissionKind, LineKind, TierBasis

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from sqlalchemy.orm import Session

_PROGRAM_COLUMNS: Final = tuple(column.key for column in table_of(Program).columns)
_KEPT: Final = 256
"""How many rulebooks a process keeps, the least recently used going first."""


@dataclass(frozen=True)
class Rulebook:
    """``products`` maps SKU to product id; ``rates`` maps referrer id (``None``: all) to its versions.

    ``bonuses`` are the versions of the sign-up bonus, which are not among ``rates``.

    ``program`` belongs to no session and is never written.
    """

    program: Program
    terms: TermsHistory
    products: Mapping[str, int]
    rates: Mapping[int | None, tuple[Rate, ...]]
    bonuses: tuple[Rate, ...] = ()

    def rates_for(self, referrer_ids: Iterable[int]) -> list[Rate]:
        """The versions that can concern one of these referrers."""
        found = list(self.rates.get(None, ()))
        for referrer_id in referrer_ids:
            found += self.rates.get(referrer_id, ())
        return found

    @cached_property
    def review(self) -> ReviewSettings:
        """What the review rules do in this programme."""
        return read_settings(self.program.review)

    @cached_property
    def all_rates(self) -> Mapping[int, Rate]:
        """Every version of the programme, by its id."""
        kickbacks = {rate.id: rate for versions in self.rates.values() for rate in versions}
        return kickbacks | {bonus.id: bonus for bonus in self.bonuses}

    @cached_property
    def has_tiers(self) -> bool:
        """Whether what an order earns may depend on how many customers its referrer has."""
        return any(rate.steps for rate in self.all_rates.values())

    @cached_property
    def has_caps(self) -> bool:
        """Whether what a line earns may depend on the lines before it."""
        return self.has_customer_caps or any(rate.cap_order_minor for rate in self.all_rates.values())

    @cached_property
    def has_customer_caps(self) -> bool:
        """Whether what an order earns may depend on its customer's other orders."""
        return any(rate.cap_customer_minor for rate in self.all_rates.values())


class Rulebooks:
    """The rulebooks that this process has read. Safe to share between threads."""

    def __init__(self) -> None:
        self._kept: OrderedDict[str, Rulebook] = OrderedDict()
        self._lock = Lock()

    def of(self, session: Session, program: Program) -> Rulebook:
        """The rulebook as this session sees it."""
        return self.kept(program.rules_key) or self.keep(program.rules_key, read_rulebook(session, program))

    def kept(self, key: str) -> Rulebook | None:
        """The rulebook of that ``rules_key``, where this process has read it."""
        with self._lock:
            book = self._kept.get(key)
            if book is not None:
                self._kept.move_to_end(key)
            return book

    def keep(self, key: str, book: Rulebook) -> Rulebook:
        """Remember a rulebook as that of ``key``."""
        with self._lock:
            self._kept[key] = book
            if len(self._kept) > _KEPT:
                self._kept.popitem(last=False)
        return book


def read_rulebook(session: Session, program: Program) -> Rulebook:
    """Read it from the database, in three queries."""
    versions = session.scalars(select(RateVersion).where(RateVersion.program_id == program.id))
    rates: defaultdict[int | None, list[Rate]] = defaultdict(list)
    bonuses: list[Rate] = []
    for version in versions:
        rate = rate_of(version)
        (bonuses if rate.pays is CommissionKind.BONUS else rates[version.referrer_id]).append(rate)
    products = session.execute(select(Product.sku, Product.id).where(Product.program_id == program.id))
    return Rulebook(
        program=Program(**{name: getattr(program, name) for name in _PROGRAM_COLUMNS}),
        terms=_history(session, program),
        products=dict(products.all()),
        rates={referrer_id: tuple(each) for referrer_id, each in rates.items()},
        bonuses=tuple(bonuses),
    )


def new_rules(program: Program) -> None:
    """Say that the programme's settings, terms, products or rates change in this transaction."""
    program.rules_key = ids.random_id("")


def rate_of(version: RateVersion) -> Rate:
    """A stored rate version as the rules see it."""
    return Rate(
        id=version.id,
        product_id=version.product_id,
        referrer_id=version.referrer_id,
        kind=version.kind,
        duration=version.duration,
        scope=version.scope,
        valid_from=version.valid_from,
        rate_ppm=version.rate_ppm,
        flat_minor=version.flat_minor,
        may_exceed_net=version.may_exceed_net,
        duration_months=version.duration_months,
        line_kinds=frozenset(LineKind(kind) for kind in version.line_kinds),
        pays=version.pays or CommissionKind.KICKBACK,
        steps=tuple(Step(step["from"], step["amount"]) for step in version.tiers or ()),
        tier_basis=version.tier_basis or TierBasis.MONTH,
        cap_order_minor=version.cap_order_minor,
        cap_customer_minor=version.cap_customer_minor,
    )


def _history(session: Session, program: Program) -> TermsHistory:
    wanted = select(ProgramTerms).where(ProgramTerms.program_id == program.id)
    return TermsHistory(
        tuple(
            Terms(
                valid_from=version.valid_from,
                window_days=version.window_days,
                attribution=version.attribution,
                hold_days=version.hold_days,
                hold_days_by_method=dict(version.hold_days_by_method),
            )
            for version in session.scalars(wanted.order_by(ProgramTerms.valid_from))
        )
    )
