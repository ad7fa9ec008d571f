"""What a rate version may say besides its rate: performance tiers and caps, as people write them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from app.kernel.errors import InvalidInput
from app.kernel.money import PPM, Money
from app.referrals.domain.rates import Rate, Step
from app.referrals.words import RateKind, TierBasis

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from app.referrals.models import RateVersion

MAX_TIERS: Final = 20
MOST_CUSTOMERS: Final = 1_000_000
_ParsedRate = tuple[RateKind, int | None, int | None]


def parse_tiers(
    tiers: Sequence[tuple[int, str]],
    basis: TierBasis | None,
    base: _ParsedRate,
    parse: Callable[[str], _ParsedRate],
) -> tuple[list[dict[str, Any]] | None, TierBasis | None]:
    """The steps as a version keeps them, and their basis (by default the month). Raises ``InvalidInput``.

    Numbers of customers and rates must both rise, from the rate itself on: a step that pays less, or that another
    hides, is a slip of the pen.
    """
    if not tiers:
        if basis is not None:
            raise _refused("tier_basis", "goes with a tier, and there is none")
        return None, None
    kind, ppm, flat = base
    if kind in {RateKind.NONE, RateKind.STANDARD}:
        raise _refused("tier", "a product that pays nothing has no tiers")
    if len(tiers) > MAX_TIERS:
        raise _refused("tier", f"at most {MAX_TIERS}")
    steps: list[dict[str, Any]] = []
    customers, amount = 1, ppm or flat or 0
    for number, text in tiers:
        written = f"{number}={text}"
        step_kind, step_ppm, step_flat = _parsed(text, written, parse)
        if step_kind is not kind:
            raise _refused("tier", f"{written!r}: a {kind.value} rate has {kind.value} tiers")
        if not customers < number <= MOST_CUSTOMERS:
            raise _refused("tier", f"{written!r}: the numbers of customers must rise, from 2 on")
        step = step_ppm or step_flat or 0
        if step <= amount:
            raise _refused("tier", f"{written!r}: each tier must pay more than the one before")
        customers, amount = number, step
        steps.append({"from": number, "amount": step})
    return steps, basis or TierBasis.MONTH


def _parsed(text: str, written: str, parse: Callable[[str], _ParsedRate]) -> _ParsedRate:
    try:
        return parse(text)
    except InvalidInput as error:
        raise _refused("tier", f"{written!r}: {error.detail.removeprefix('rate: ')}") from None


def parse_cap(text: str | None, name: str, kind: RateKind, currency: str) -> int | None:
    """A cap in minor units. Raises ``InvalidInput`` naming it."""
    if text is None:
        return None
    if kind in {RateKind.NONE, RateKind.STANDARD}:
        raise _refused(name, "a product that pays nothing needs no cap")
    try:
        cap = Money.parse(text, currency).minor
    except InvalidInput as error:
        raise _refused(name, error.detail) from None
    if cap <= 0:
        raise _refused(name, "expected more than 0; a rate of none pays nothing")
    return cap


def steps_of(version: RateVersion | Rate) -> tuple[Step, ...]:
    """The steps of a version, stored or as the rules see it."""
    if isinstance(version, Rate):
        return version.steps
    return tuple(Step(step["from"], step["amount"]) for step in version.tiers or ())


def amount_at(version: RateVersion | Rate, tier_from: int | None) -> int:
    """What the version pays at that step, in the unit of its rate: parts per million, or minor units for each piece."""
    if tier_from is not None:
        for step in steps_of(version):
            if step.from_customers == tier_from:
                return step.amount
    return version.rate_ppm or version.flat_minor or 0


def percent_text(ppm: int) -> str:
    """Parts per million as people write them: "10%", "0.35%"."""
    whole, fraction = divmod(ppm, PPM // 100)
    decimals = f"{fraction:04d}".rstrip("0")
    return f"{whole}.{decimals}%" if decimals else f"{whole}%"


def _refused(name: str, detail: str) -> InvalidInput:
    return InvalidInput(f"{name}: {detail}", pointer=f"/{name}")
