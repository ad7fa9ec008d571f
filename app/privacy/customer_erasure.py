"""Erasure of a customer, in every slice that knows of customers."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sqlalchemy import select

from app.directory.forgetting import forget_customer
from app.referrals.customers import erase_personal_data
from app.referrals.models import Customer

if TYPE_CHECKING:
    from datetime import datetime

    from sqlalchemy.orm import Session

    from app.identity.audit import Actor
    from app.referrals.models import Program


def erase_customer(
    session: Session, program: Program, customer_id: str, now: datetime, *, actor: Actor
) -> None:
    """Remove every fingerprint of the customer's e-mail and bank account, and what they wrote of partners.

    Attribution, amounts and the stars that are shown stay. Erasing again changes nothing. Raises ``CustomerNotFound``.
    """
    erase_personal_data(session, program, customer_id, now, actor=actor)
    wanted = select(Customer.id).where(Customer.program_id == program.id, Customer.customer_id == customer_id)
    forget_customer(session, session.scalars(wanted).one())
