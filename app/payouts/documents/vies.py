"""Asking VIES, the register of the European Commission, whether a VAT id is anybody's.

https://ec.europa.eu/taxation_customs/vies/#/technical-information, REST: POST with country and number.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

import httpx
from sqlalchemy import select
from sqlalchemy.orm import aliased

from app.identity.audit import Actor, record_event
from app.payouts.documents.outstanding import issue_for
from app.payouts.documents.profiles import current_merchant, current_profile
from app.payouts.domain.vat import VatAnswer
from app.payouts.models import TaxProfile, VatCheck
from app.payouts.settling import lock_referrers
from app.referrals.models import Program, Referrer

if TYPE_CHECKING:
    from collections.abc import Callable
    from datetime import datetime

    from sqlalchemy.orm import Session

    from app.kernel.db import Database

_SECONDS: Final = 5.0
_MOST_BYTES: Final = 64 * 1024
_NUMBER: Final = 40


@dataclass(frozen=True, slots=True)
class Consultation:
    """What VIES said, and the number that proves that it was asked."""

    answer: VatAnswer
    consultation_number: str | None = None


class Vies:
    """The register behind ``url``, which is a setting: nothing that people type decides where a request goes.

    The VAT ids travel in the body. Redirects are not followed and no proxy of the environment is used.
    """

    def __init__(self, url: str) -> None:
        self._url = url

    def ask(self, vat_id: str, requester_vat_id: str) -> Consultation:
        """Ask about one VAT id. Whatever goes wrong on the way is "unavailable"; nothing is raised."""
        body = {
            "countryCode": vat_id[:2],
            "vatNumber": vat_id[2:],
            "requesterMemberStateCode": requester_vat_id[:2],
            "requesterNumber": requester_vat_id[2:],
        }
        try:
            answer = self._post(body)
        except (httpx.HTTPError, ValueError):
            return Consultation(VatAnswer.UNAVAILABLE)
        valid = answer.get("valid")
        if not isinstance(valid, bool):
            return Consultation(VatAnswer.UNAVAILABLE)
        number = answer.get("requestIdentifier")
        known = isinstance(number, str) and 1 <= len(number) <= _NUMBER and number.isalnum()
        return Consultation(VatAnswer.VALID if valid else VatAnswer.INVALID, str(number) if known else None)

    def _post(self, body: dict[str, str]) -> dict[str, Any]:
        """Raises ``httpx.HTTPError``, or ``ValueError`` for what is no JSON object of a sensible size."""
        with (
            httpx.Client(timeout=_SECONDS, follow_redirects=False, trust_env=False) as client,
            client.stream("POST", self._url, json=body) as response,
        ):
            content = b""
            for chunk in response.iter_bytes():
                content += chunk
                if len(content) > _MOST_BYTES:
                    raise ValueError("the answer is too long")
            if response.status_code != httpx.codes.OK:
                raise ValueError(response.status_code)
        answer = httpx.Response(httpx.codes.OK, content=content).json()
        if not isinstance(answer, dict):
            raise httpx.DecodingError("the answer is no object")
        return answer


def check_vat_id(
    database: Database, ask: Callable[[str, str], Consultation], referrer_id: int, now: datetime
) -> VatAnswer | None:
    """Ask about a referrer's VAT id and store the answer; a yes has what waited for it invoiced.

    VIES is asked between two transactions, so that no lock waits for another house. ``None`` where there is nothing
    to ask: no VAT id, no merchant, or a new profile meanwhile (which has a job of its own).
    """
    with database.reading() as session:
        asked = _to_ask(session, referrer_id)
    if asked is None:
        return None
    vat_id, requester = asked
    said = ask(vat_id, requester)
    with database.transaction() as session:
        lock_referrers(session, [referrer_id])
        profile = current_profile(session, referrer_id)
        if profile is None or profile.vat_id != vat_id:
            return None
        record_answer(session, profile, said, by=Actor.system("vies"), now=now)
    return said.answer


def record_answer(
    session: Session, profile: TaxProfile, said: Consultation, *, by: Actor, now: datetime
) -> None:
    """Store an answer about the VAT id of a locked referrer's profile, and write what waited for a yes."""
    referrer = session.get_one(Referrer, profile.referrer_id)
    session.add(
        VatCheck(
            referrer_id=referrer.id,
            vat_id=profile.vat_id or "",
            answer=said.answer,
            consultation_number=said.consultation_number,
            checked_at=now,
        )
    )
    session.flush()
    facts = {"answer": said.answer.value, "profile": profile.version}
    subject = f"referrer:{referrer.code}"
    record_event(session, by, "vat_id.checked", subject, facts, now=now, program_id=referrer.program_id)
    if said.answer is VatAnswer.VALID:
        issue_for(session, session.get_one(Program, referrer.program_id), referrer.id, now)


def _to_ask(session: Session, referrer_id: int) -> tuple[str, str] | None:
    profile = current_profile(session, referrer_id)
    merchant = current_merchant(session, session.get_one(Referrer, referrer_id).program_id)
    if profile is None or profile.vat_id is None or merchant is None:
        return None
    return profile.vat_id, merchant.vat_id


def unanswered(session: Session) -> list[int]:
    """Referrers whose present VAT id VIES has said neither yes nor no to, by id."""
    newer = aliased(TaxProfile)
    later = select(newer.id).where(
        newer.referrer_id == TaxProfile.referrer_id, newer.version > TaxProfile.version
    )
    answered = select(VatCheck.id).where(
        VatCheck.referrer_id == TaxProfile.referrer_id,
        VatCheck.vat_id == TaxProfile.vat_id,
        VatCheck.answer != VatAnswer.UNAVAILABLE,
    )
    wanted = select(TaxProfile.referrer_id).where(
        TaxProfile.vat_id.is_not(None), ~later.exists(), ~answered.exists()
    )
    return list(session.scalars(wanted.order_by(TaxProfile.referrer_id)))
