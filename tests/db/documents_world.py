"""A payday with tax profiles: who is a business, agreed, and confirmed by VIES."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from sqlalchemy import select

from app.ledger.models import Figure, LedgerBalance
from app.payouts.documents.outstanding import issue_outstanding
from app.payouts.documents.profiles import GivenParty, GivenProfile, agree, put_merchant, put_profile
from app.payouts.domain.vat import TaxStatus, VatAnswer
from app.payouts.models import TaxDocument, VatCheck
from app.referrals.models import Program, Referrer
from tests.db.payouts_world import FREEZER, MERCHANT, Payday

if TYPE_CHECKING:
    from app.kernel.db import Database

NL_VAT = "NL004495445B01"
BUYER_VAT = "NL002342672B42"
DE_VAT = "DE136695976"


class TaxDay(Payday):
    """The programme "hosting" of a Dutch merchant, and short ways to make its referrers businesses."""

    @classmethod
    def start(cls, database: Database, **settings: Any) -> TaxDay:
        day = cls.build(database, **settings)
        assert isinstance(day, TaxDay)
        with day.world() as world:
            party = GivenParty("Höst B.V.", "Kade 1", "1011 AB", "Amsterdam", "NL", BUYER_VAT)
            put_merchant(world.session, world.program, party, by=FREEZER, now=day.now)
        return day

    def business(
        self,
        name: str = "ada",
        *,
        status: TaxStatus = TaxStatus.BUSINESS,
        country: str = "NL",
        vat_id: str = NL_VAT,
        agreed: bool = True,
        checked: VatAnswer | None = VatAnswer.VALID,
        **numbers: str,
    ) -> None:
        with self.world() as world:
            referrer = world.referrers[name]
            party = GivenParty(f"{name.title()} & Zonen", "Gracht 2", "1012 CD", "Utrecht", country, vat_id)
            profile = GivenProfile(status, party, **numbers)
            put_profile(world.session, referrer, profile, by=MERCHANT, now=self.now)
            if agreed:
                agree(world.session, referrer, by=MERCHANT, now=self.now)
        if checked is not None and vat_id:
            self.vies(name, checked, vat_id)

    def vies(self, name: str, answer: VatAnswer, vat_id: str = NL_VAT) -> None:
        with self.world() as world:
            world.session.add(
                VatCheck(
                    referrer_id=world.referrers[name].id,
                    vat_id=vat_id,
                    answer=answer,
                    consultation_number="WAPIAAAAYabc" if answer is VatAnswer.VALID else None,
                    checked_at=self.now,
                )
            )

    def issue(self) -> int:
        """What the nightly job does; how many documents it wrote."""
        with self.db.reading() as session:
            program = session.get_one(Program, self.program_id)
        return issue_outstanding(self.db, program, self.now)

    def documents(self, name: str = "ada") -> list[TaxDocument]:
        with self.db.reading() as session:
            wanted = select(TaxDocument).join(Referrer, Referrer.id == TaxDocument.referrer_id)
            code = f"{name}-hosting"
            return list(session.scalars(wanted.where(Referrer.code == code).order_by(TaxDocument.id)))

    def shown(self, name: str = "ada") -> list[tuple[str, str, int, int]]:
        """Type, category, net and VAT of each document."""
        return [
            (each.type.value, each.category.value, each.net_minor, each.vat_minor)
            for each in self.documents(name)
        ]

    def vat(self, name: str = "ada") -> dict[Figure, int]:
        """The VAT figures of a referrer that are not zero."""
        with self.world() as world:
            rows = world.session.execute(
                select(LedgerBalance.figure, LedgerBalance.amount_minor).where(
                    LedgerBalance.referrer_id == world.referrers[name].id,
                    LedgerBalance.figure.in_([each for each in Figure if each.value.startswith("vat_")]),
                )
            )
            sums: dict[Figure, int] = {}
            for figure, amount in rows:
                sums[figure] = sums.get(figure, 0) + amount
        return {figure: total for figure, total in sums.items() if total}
