"""What referrers are mailed about: the slices below say that something happened, this says it to the post office.

Each function is called inside the transaction of its event and queues a mail in it, so that a rollback takes the
mail back too.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from sqlalchemy import select

from app.identity.models import User
from app.kernel.clock import local_day
from app.kernel.money import Money
from app.mail.office import AccountNotice, PayoutNotice, PostOffice, Recipient
from app.payouts.deps import PayoutEvent, PayoutNews
from app.payouts.models import Payout, PayoutDestination
from app.referrals.models import Program, Referrer

if TYPE_CHECKING:
    from sqlalchemy.orm import Session

    from app.referrals.intake import PartnerNews


@dataclass(frozen=True)
class News:
    """Turns news into mails."""

    mail: PostOffice

    def of_partner(self, session: Session, news: PartnerNews) -> None:
        """A customer chose, or left, a partner."""
        recipient, program = _recipient(session, news.referrer_id)
        on = local_day(news.at, program.timezone)
        if news.chosen:
            self.mail.partner_chosen(
                session, recipient, binding=news.event, program=program.name, since_on=on, now=news.now
            )
        else:
            self.mail.partner_left(
                session, recipient, binding=news.event, program=program.name, until_on=on, now=news.now
            )

    def of_payout(self, session: Session, news: PayoutNews) -> None:
        """A bank account changed, or the bank said something about a payout."""
        destination = session.get_one(PayoutDestination, news.destination_id)
        if (
            news.event in {PayoutEvent.ACCOUNT_CHANGED, PayoutEvent.ACCOUNT_RESTORED}
            or news.payout_id is None
        ):
            self._of_account(session, news, destination)
            return
        recipient, program = _recipient(session, news.referrer_id)
        payout = session.get_one(Payout, news.payout_id)
        notice = PayoutNotice(
            end_to_end_id=payout.end_to_end_id,
            program=program.name,
            amount=Money(payout.amount_minor, payout.currency),
            last4=destination.last4,
        )
        if news.event is PayoutEvent.SENT:
            paid_on = payout.paid_on or local_day(news.now, program.timezone)
            self.mail.payout_sent(session, recipient, notice, paid_on=paid_on, now=news.now)
        else:
            returned = news.event is PayoutEvent.RETURNED
            self.mail.payout_failed(session, recipient, notice, returned=returned, now=news.now)

    def _of_account(self, session: Session, news: PayoutNews, destination: PayoutDestination) -> None:
        """Every address that is known of its owner: whoever changed the account may have changed one of them too."""
        recipient, program = _recipient(session, news.referrer_id)
        rests = destination.usable_on > local_day(news.now, program.timezone)
        notice = AccountNotice(
            destination.public_id, program.name, destination.last4, destination.usable_on, can_undo=rests
        )
        restored = news.event is PayoutEvent.ACCOUNT_RESTORED
        mail = self.mail.bank_account_restored if restored else self.mail.bank_account_changed
        for address in sorted({recipient.email, *_login_address(session, news.referrer_id)}):
            mail(session, replace(recipient, email=address), notice, now=news.now)


def _login_address(session: Session, referrer_id: int) -> list[str]:
    wanted = select(User.email).join(Referrer, Referrer.user_id == User.id).where(Referrer.id == referrer_id)
    return list(session.scalars(wanted.where(User.disabled_at.is_(None))))


def _recipient(session: Session, referrer_id: int) -> tuple[Recipient, Program]:
    referrer = session.get_one(Referrer, referrer_id)
    program = session.get_one(Program, referrer.program_id)
    return Recipient.of(referrer), program
