"""What the bank does with each payment: book it, reject it, or book it and get it back some days later."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from examples.bank.instruction import Instruction, Payment

REJECTION_REASONS = ("AC01", "AC06", "AG01", "AC04")
RETURN_REASONS = ("AC04", "AC04", "AC06", "AC01")


class Fate(StrEnum):
    """What becomes of a payment."""

    BOOKED = "booked"
    """Debited, and the money stays there."""
    REJECTED = "rejected"
    """Refused before booking (pain.002, RJCT)."""
    RETURNED = "returned"
    """Debited, then sent back by the creditor's bank."""


@dataclass(frozen=True)
class Shares:
    """How often payments fail, each between 0 and 1, and the seed that says which ones."""

    reject: float = 0.05
    returned: float = 0.05
    seed: int = 1


@dataclass(frozen=True)
class Exactly:
    """So many payments fail, and no other: the smallest are refused, the next ones come back; one at least is paid."""

    reject: int = 1
    returned: int = 1


@dataclass(frozen=True)
class Ruling:
    """One payment with its fate, and the ISO 20022 reason code where it failed."""

    payment: Payment
    fate: Fate
    reason: str | None = None


def rule(instruction: Instruction, policy: Shares | Exactly) -> dict[str, Ruling]:
    """The fate of every payment of a file, by its end-to-end id."""
    if isinstance(policy, Shares):
        rulings = [rule_on(instruction.message_id, payment, policy) for payment in instruction.payments]
    else:
        rulings = _exactly(instruction.payments, policy)
    return {ruling.payment.end_to_end_id: ruling for ruling in rulings}


def _exactly(payments: tuple[Payment, ...], policy: Exactly) -> list[Ruling]:
    by_size = sorted(payments, key=lambda payment: (payment.amount_minor, payment.creditor_iban))
    fates = [(Fate.REJECTED, REJECTION_REASONS[0])] * policy.reject
    fates += [(Fate.RETURNED, RETURN_REASONS[0])] * policy.returned
    failing = dict(zip((payment.end_to_end_id for payment in by_size[:-1]), fates, strict=False))
    return [Ruling(payment, *failing.get(payment.end_to_end_id, (Fate.BOOKED, None))) for payment in payments]


def rule_on(message_id: str, payment: Payment, shares: Shares) -> Ruling:
    """The fate of one payment, by seed, file, creditor and amount: a rehearsal with new random ids ends the same."""
    if not iban_is_valid(payment.creditor_iban):
        return Ruling(payment, Fate.REJECTED, "AC01")
    name = f"{shares.seed}:{message_id}:{payment.creditor_iban}:{payment.amount_minor}"
    digest = hashlib.sha256(name.encode()).digest()
    point = int.from_bytes(digest[:8], "big") / 2**64
    if point < shares.reject:
        return Ruling(payment, Fate.REJECTED, REJECTION_REASONS[digest[8] % len(REJECTION_REASONS)])
    if point < shares.reject + shares.returned:
        return Ruling(payment, Fate.RETURNED, RETURN_REASONS[digest[8] % len(RETURN_REASONS)])
    return Ruling(payment, Fate.BOOKED)


def fault_of(instruction: Instruction) -> str | None:
    """Why a whole file is refused: AM18 wrong count, AM10 wrong control sum; None when it adds up."""
    payments = instruction.payments
    if len(payments) != instruction.claimed_count:
        return "AM18"
    total = sum(payment.amount_minor for payment in payments)
    if instruction.claimed_sum_minor is not None and total != instruction.claimed_sum_minor:
        return "AM10"
    return None


def iban_is_valid(iban: str) -> bool:
    """Whether the check digits of an IBAN hold (ISO 13616, modulus 97)."""
    if not (iban.isascii() and iban.isalnum() and iban.isupper()):
        return False
    turned = iban[4:] + iban[:4]
    return int("".join(str(int(char, 36)) for char in turned)) % 97 == 1
