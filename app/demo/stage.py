"""Plays the history: every event through the use case that would serve it, at the instant at which it happened."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING, Final

from sqlalchemy import select

from app.demo.events import (
    Event,
    FollowLink,
    Join,
    MakeCoupon,
    MakeLink,
    Report,
    SetRate,
    SignUp,
    Suspend,
    TradeAs,
)
from app.identity.audit import Actor
from app.kernel.clock import frozen
from app.payouts.destinations import GivenAccount, put_destination
from app.payouts.documents.profiles import agree, current_profile, put_profile
from app.payouts.documents.vies import Consultation, record_answer
from app.payouts.domain.vat import VatAnswer
from app.payouts.words import DestinationSource
from app.referrals.choices import record_partner_choice
from app.referrals.click_record import ClickRecord
from app.referrals.click_rows import write_clicks
from app.referrals.domain.agent import read_agent
from app.referrals.domain.click_id import NONCE_BYTES, ClickId, milliseconds
from app.referrals.domain.click_label import ClickLabel, Visit, label
from app.referrals.domain.visitor import visitor_hash
from app.referrals.facts import (
    CancellationFact,
    OrderFact,
    PartnerChoiceFact,
    PaymentFact,
    RefundFact,
    SignupFact,
)
from app.referrals.models import RateVersion, ReferrerStatus
from app.referrals.orders import record_cancellation, record_order, record_payment
from app.referrals.programs import find_product, find_program
from app.referrals.rates import RateTerms, set_rate
from app.referrals.referrers import Joining, create_coupon, find_referrer, join, make_link, suspend
from app.referrals.refunds import record_refund
from app.referrals.signups import record_signup

if TYPE_CHECKING:
    from collections.abc import Sequence

    from sqlalchemy.orm import Session

    from app.payouts.deps import PayoutDeps
    from app.referrals.intake import ReferralDeps
    from app.referrals.models import Program

ACTOR: Final = Actor.system("demo")
TERMS_VERSION: Final = "2026-01"


class Stage:
    """Plays events in one session a batch. Use cases never commit, so a batch is as safe as one fact."""

    def __init__(self, referrals: ReferralDeps, payouts: PayoutDeps) -> None:
        self._referrals, self._payouts = referrals, payouts
        self._click_ids: dict[tuple[str, int], str] = {}
        self._referrer_ids: dict[str, int] = {}

    def play(self, session: Session, events: Sequence[Event]) -> None:
        """Play ``events``, which are in order of time, in ``session``; clicks are written together."""
        programs: dict[str, Program] = {}
        clicks: list[ClickRecord] = []
        for event in events:
            program = programs.get(event.program) or find_program(session, event.program)
            programs[event.program] = program
            if isinstance(event, FollowLink):
                clicks.append(self._followed(session, program, event))
                continue
            with frozen(event.at):
                self._play(session, program, event)
        write_clicks(session, clicks)

    def _play(self, session: Session, program: Program, event: Event) -> None:
        match event:
            case Join():
                self._join(session, program, event)
            case SignUp():
                self._sign_up(session, program, event)
            case Report():
                self._report(session, program, event)
            case MakeCoupon() | MakeLink():
                self._recommend(session, program, event)
            case Suspend():
                guilty = find_referrer(session, program, event.code)
                if guilty.status is ReferrerStatus.ACTIVE:
                    suspend(session, program, guilty, reason=event.reason, actor=ACTOR, now=event.at)
            case SetRate():
                self._set_rate(session, program, event)
            case TradeAs():
                self._trade_as(session, program, event)
            case FollowLink():
                raise AssertionError("clicks are written together")

    def _join(self, session: Session, program: Program, event: Join) -> None:
        joining = Joining(event.name, event.email, event.locale, event.code, terms_version=TERMS_VERSION)
        referrer, _ = join(session, self._referrals.keyring, program, joining, actor=ACTOR, now=event.at)
        put_destination(
            self._payouts,
            session,
            referrer,
            GivenAccount(event.name, event.iban),
            source=DestinationSource.MERCHANT,
            verified=True,
            by=ACTOR,
            now=event.at,
        )

    def _recommend(self, session: Session, program: Program, event: MakeCoupon | MakeLink) -> None:
        """A referrer gets something to recommend with."""
        owner = find_referrer(session, program, event.code)
        if isinstance(event, MakeCoupon):
            create_coupon(session, program, owner, event.coupon, actor=ACTOR, now=event.at)
        else:
            make_link(session, program, owner, campaign=event.campaign, to=event.to, now=event.at)

    def _sign_up(self, session: Session, program: Program, event: SignUp) -> None:
        fact = SignupFact(
            customer_id=event.customer_id,
            click_ids=tuple(self._click_ids[event.program, key] for key in event.clicks),
            coupon=event.coupon,
            referrer_code=event.referrer_code,
            email=event.email,
            signed_up_at=event.at,
        )
        record_signup(self._referrals, session, program, fact, event.at)

    def _report(self, session: Session, program: Program, event: Report) -> None:
        deps, fact, now = self._referrals, event.fact, event.at
        match fact:
            case OrderFact():
                record_order(deps, session, program, fact, now)
            case PaymentFact():
                record_payment(deps, session, program, fact, now)
            case CancellationFact():
                record_cancellation(deps, session, program, fact, now)
            case RefundFact():
                record_refund(deps, session, program, fact, now)
            case PartnerChoiceFact():
                record_partner_choice(deps, session, program, fact, now)

    def _set_rate(self, session: Session, program: Program, event: SetRate) -> None:
        """A rate is the one change that a use case makes twice when it is told twice; here it is looked for first."""
        there = select(RateVersion.id).where(
            RateVersion.program_id == program.id, RateVersion.valid_from == event.at
        )
        if session.scalar(there) is not None:
            return
        set_rate(
            session,
            program,
            RateTerms(event.rate),
            product=find_product(session, program, event.sku) if event.sku else None,
            referrer=find_referrer(session, program, event.code) if event.code else None,
            valid_from=event.at,
            actor=ACTOR,
            now=event.at,
        )

    def _trade_as(self, session: Session, program: Program, event: TradeAs) -> None:
        """Tax details are kept in versions, so they too are looked for first."""
        referrer = find_referrer(session, program, event.code)
        if current_profile(session, referrer.id) is not None:
            return
        profile = put_profile(session, referrer, event.profile, by=ACTOR, now=event.at)
        agree(session, referrer, by=ACTOR, now=event.at)
        if profile.vat_id is not None:
            said = Consultation(VatAnswer.VALID, f"DEMO{referrer.id:08d}")
            record_answer(session, profile, said, by=Actor.system("vies"), now=event.at)

    def _followed(self, session: Session, program: Program, event: FollowLink) -> ClickRecord:
        """The click as the redirect would have recorded it, with an id that is the same in every demo."""
        if event.code not in self._referrer_ids:
            self._referrer_ids[event.code] = find_referrer(session, program, event.code).id
        referrer_id = self._referrer_ids[event.code]
        nonce = hashlib.sha256(f"{event.program}:{event.key}".encode()).digest()[:NONCE_BYTES]
        click = ClickId(event.at, program.id, referrer_id, event.campaign, nonce)
        agent = read_agent(event.agent)
        visit = Visit(
            attributable=True, method=event.method, purpose=event.purpose, fetch_dest="", bot=agent.bot
        )
        kind = label(visit, duplicate=event.repeats is not None)
        repeated = event.repeats if kind is ClickLabel.DUPLICATE else None
        click_id = (
            self._click_ids[event.program, repeated] if repeated else self._referrals.links.click_id(click)
        )
        self._click_ids[event.program, event.key] = click_id
        return ClickRecord(
            event_id=click.event_id,
            at_ms=milliseconds(event.at),
            program_id=program.id,
            referrer_id=referrer_id,
            campaign=event.campaign,
            visitor=visitor_hash(b"demo", event.program, str(event.visitor)),
            agent=agent.family,
            source_host="",
            label=kind.value,
            click_id=click_id,
        )
