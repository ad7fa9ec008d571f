"""Tax profiles, the agreement to self-billing, and who the merchant is: all in versions, never edited."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from sqlalchemy import func, select
from sqlalchemy.orm import aliased
from stdnum.eu import vat as eu_vat
from stdnum.exceptions import ValidationError

from app.identity.audit import record_event
from app.kernel.errors import InvalidInput
from app.kernel.queue import collect
from app.payouts.domain.vat import (
    EU,
    OutsideTheUnion,
    Standing,
    TaxStatus,
    VatAnswer,
    require_small_business_number,
)
from app.payouts.models import MerchantProfile, SelfBillingAgreement, TaxProfile, VatCheck
from app.payouts.settling import lock_referrers

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from datetime import datetime

    from sqlalchemy.orm import Session

    from app.identity.audit import Actor
    from app.referrals.models import Program, Referrer

AGREEMENT_VERSION: Final = "2026-11"
"""The wording of ``templates/home/agreement.html``; another wording is another version and asks anew."""
CHECK_VAT_ID: Final = "documents.check_vat_id"
"""The job that asks VIES; its argument is the referrer's id."""

_LONGEST: Final = {"legal_name": 140, "street": 140, "postcode": 16, "town": 70, "tax_number": 30}
_GREECE: Final = "GR"


class MissingField(InvalidInput):
    """Something that must stand on an invoice is missing or too long."""

    title = "Incomplete"

    def __init__(self, field: str, longest: int) -> None:
        super().__init__(f"{field} needs 1 to {longest} characters", pointer=f"/{field}")
        self.field = field


class BadVatId(InvalidInput):
    """Text that cannot be a VAT id of that country."""

    title = "Not a VAT id"

    def __init__(self, country: str) -> None:
        super().__init__(f"this is not a VAT id of {country}", pointer="/vat_id")
        self.country = country


@dataclass(frozen=True, slots=True)
class GivenParty:
    """Name and address as typed, not checked yet."""

    legal_name: str
    street: str
    postcode: str
    town: str
    country: str
    vat_id: str = ""


@dataclass(frozen=True, slots=True)
class GivenProfile:
    """A tax profile as typed, not checked yet."""

    status: TaxStatus
    party: GivenParty
    tax_number: str = ""
    small_business_id: str = ""


def put_merchant(
    session: Session, program: Program, given: GivenParty, *, by: Actor, now: datetime
) -> MerchantProfile:
    """Store the next version of who the merchant is. Raises :class:`MissingField`, :class:`BadVatId`,
    :class:`OutsideTheUnion`.
    """
    fields = _party(given)
    if not fields["vat_id"]:
        raise BadVatId(str(fields["country"]))
    last = current_merchant(session, program.id)
    row = MerchantProfile(
        program_id=program.id,
        version=last.version + 1 if last else 1,
        created_at=now,
        created_by=by.label,
        **fields,
    )
    session.add(row)
    session.flush()
    facts = {"version": row.version, "country": row.country}
    record_event(
        session, by, "merchant.changed", f"program:{program.slug}", facts, now=now, program_id=program.id
    )
    return row


def put_profile(
    session: Session, referrer: Referrer, given: GivenProfile, *, by: Actor, now: datetime
) -> TaxProfile:
    """Store the next version of a referrer's tax profile, and have VIES asked about a new VAT id.

    Raises :class:`MissingField`, :class:`BadVatId`, :class:`OutsideTheUnion`, ``BadSmallBusinessNumber``.
    """
    # The race: a payout run freezes this referrer's money meanwhile. It locks the same row, so a document is
    # written by the one version or by the other.
    lock_referrers(session, [referrer.id])
    fields = _party(given.party)
    if given.status is TaxStatus.PRIVATE:
        fields["vat_id"] = None
    elif given.status is TaxStatus.BUSINESS and not fields["vat_id"]:
        raise BadVatId(str(fields["country"]))
    tax_number = _text(given.tax_number, "tax_number") if given.status is TaxStatus.SMALL_BUSINESS else None
    number = given.small_business_id if given.status is TaxStatus.SMALL_BUSINESS else ""
    last = current_profile(session, referrer.id)
    row = TaxProfile(
        referrer_id=referrer.id,
        version=last.version + 1 if last else 1,
        status=given.status,
        tax_number=tax_number,
        small_business_id=require_small_business_number(number) if number.strip() else None,
        created_at=now,
        created_by=by.label,
        **fields,
    )
    session.add(row)
    session.flush()
    facts = {"version": row.version, "status": row.status.value, "country": row.country}
    record_event(
        session,
        by,
        "tax_profile.changed",
        f"referrer:{referrer.code}",
        facts,
        now=now,
        program_id=referrer.program_id,
    )
    if row.vat_id is not None:
        collect(session, CHECK_VAT_ID, referrer.id)
    return row


def _party(given: GivenParty) -> dict[str, str | None]:
    country = given.country.strip().upper()
    if country not in EU:
        raise OutsideTheUnion(country)
    return {
        "legal_name": _text(given.legal_name, "legal_name"),
        "street": _text(given.street, "street"),
        "postcode": _text(given.postcode, "postcode"),
        "town": _text(given.town, "town"),
        "country": country,
        "vat_id": _vat_id(given.vat_id, country) if given.vat_id.strip() else None,
    }


def _text(value: str, field: str) -> str:
    text, longest = " ".join(value.split()), _LONGEST[field]
    if not 1 <= len(text) <= longest or not text.isprintable():
        raise MissingField(field, longest)
    return text


def _vat_id(text: str, country: str) -> str:
    """The id in its written form, by structure and check digits; whether it is anybody's only VIES knows."""
    prefix = "EL" if country == _GREECE else country
    try:
        number: str = eu_vat.validate(text)
    except ValidationError:
        raise BadVatId(country) from None
    if not number.startswith(prefix):
        raise BadVatId(country)
    return number


def agree(session: Session, referrer: Referrer, *, by: Actor, now: datetime) -> SelfBillingAgreement:
    """Store the agreement to the present wording; the one that stands, if there is one."""
    lock_referrers(session, [referrer.id])
    standing = current_agreement(session, referrer.id)
    if standing is not None:
        return standing
    row = SelfBillingAgreement(
        referrer_id=referrer.id, version=AGREEMENT_VERSION, agreed_at=now, agreed_by=by.label
    )
    session.add(row)
    session.flush()
    _record_agreement(session, referrer, "self_billing.agreed", by, now)
    return row


def withdraw_agreement(session: Session, referrer: Referrer, *, by: Actor, now: datetime) -> None:
    """End the agreement; documents that were issued stand. Without one nothing happens."""
    lock_referrers(session, [referrer.id])
    standing = current_agreement(session, referrer.id)
    if standing is not None:
        standing.withdrawn_at, standing.withdrawn_by = now, by.label
        _record_agreement(session, referrer, "self_billing.withdrawn", by, now)


def _record_agreement(session: Session, referrer: Referrer, action: str, by: Actor, now: datetime) -> None:
    facts = {"version": AGREEMENT_VERSION}
    subject = f"referrer:{referrer.code}"
    record_event(session, by, action, subject, facts, now=now, program_id=referrer.program_id)


def current_merchant(session: Session, program_id: int) -> MerchantProfile | None:
    """Who the merchant of a programme is: the latest version."""
    wanted = select(MerchantProfile).where(MerchantProfile.program_id == program_id)
    return session.scalar(wanted.order_by(MerchantProfile.version.desc()).limit(1))


def current_profile(session: Session, referrer_id: int) -> TaxProfile | None:
    """A referrer's tax profile: the latest version, if there ever was one."""
    return current_profiles(session, [referrer_id]).get(referrer_id)


def current_profiles(session: Session, referrer_ids: Sequence[int]) -> Mapping[int, TaxProfile]:
    """The latest version of each referrer that has one. One query."""
    newer = aliased(TaxProfile)
    later = select(newer.id).where(
        newer.referrer_id == TaxProfile.referrer_id, newer.version > TaxProfile.version
    )
    wanted = select(TaxProfile).where(TaxProfile.referrer_id.in_(referrer_ids), ~later.exists())
    return {profile.referrer_id: profile for profile in session.scalars(wanted)}


def current_agreement(session: Session, referrer_id: int) -> SelfBillingAgreement | None:
    """The standing agreement to the present wording."""
    return session.scalar(
        select(SelfBillingAgreement)
        .where(SelfBillingAgreement.referrer_id == referrer_id, *_STANDING)
        .order_by(SelfBillingAgreement.id.desc())
        .limit(1)
    )


_STANDING: Final = (
    SelfBillingAgreement.withdrawn_at.is_(None),
    SelfBillingAgreement.version == AGREEMENT_VERSION,
)


def standings(session: Session, profiles: Mapping[int, TaxProfile]) -> dict[int, Standing]:
    """What decides the VAT of these referrers. Two queries."""
    agreed = set(
        session.scalars(
            select(SelfBillingAgreement.referrer_id).where(
                SelfBillingAgreement.referrer_id.in_(profiles), *_STANDING
            )
        )
    )
    latest = (
        select(VatCheck.referrer_id, VatCheck.vat_id, func.max(VatCheck.id).label("id"))
        .where(VatCheck.referrer_id.in_(profiles), VatCheck.answer != VatAnswer.UNAVAILABLE)
        .group_by(VatCheck.referrer_id, VatCheck.vat_id)
        .subquery()
    )
    answers = {
        (referrer_id, vat_id): answer is VatAnswer.VALID
        for referrer_id, vat_id, answer in session.execute(
            select(latest.c.referrer_id, latest.c.vat_id, VatCheck.answer).join(
                VatCheck, VatCheck.id == latest.c.id
            )
        )
    }
    return {
        referrer_id: Standing(
            status=profile.status,
            country=profile.country,
            has_vat_id=profile.vat_id is not None,
            has_small_business_id=profile.small_business_id is not None,
            agreed=referrer_id in agreed,
            vat_id_valid=answers.get((referrer_id, profile.vat_id or "")),
        )
        for referrer_id, profile in profiles.items()
    }
