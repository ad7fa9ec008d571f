"""What the tools call their columns. Where each name comes from, and which could not be verified, says docs/import.md.

Names are compared without case, and a blank, hyphen or underscore are the same. Every tool's files may also use the
names of ``generic``, which are ours; ``--map ours=Theirs`` goes before all.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from enum import StrEnum
from typing import TYPE_CHECKING, Final

from app.referrals.importing.errors import FileRefused, MapRefused

if TYPE_CHECKING:
    from collections.abc import Sequence


class Kind(StrEnum):
    """What a file's lines are."""

    REFERRERS = "referrers"
    CUSTOMERS = "customers"
    """Customers with the referrer they belong to."""
    COMMISSIONS = "commissions"
    """Single commissions; those still owed become opening balances."""
    BALANCES = "balances"
    """One amount owed to each referrer."""


class Tool(StrEnum):
    """Where a file comes from."""

    GENERIC = "generic"
    REWARDFUL = "rewardful"
    FIRSTPROMOTER = "firstpromoter"
    TAPFILIATE = "tapfiliate"
    WHMCS = "whmcs"


CODE_PREFIX: Final = {Tool.WHMCS: "aff"}
"""What stands before a code that is a mere number: WHMCS calls its affiliates 1, 2, 3."""

_REFERRER: Final = ("referrer_code", "referrer_email")

FIELDS: Final[Mapping[Kind, tuple[str, ...]]] = {
    Kind.REFERRERS: ("name", "first_name", "last_name", "email", "code", "locale", "status"),
    Kind.CUSTOMERS: ("customer_id", *_REFERRER, "signed_up_at", "email"),
    Kind.COMMISSIONS: ("id", *_REFERRER, "amount", "currency", "available_on", "status"),
    Kind.BALANCES: ("id", *_REFERRER, "amount", "currency", "available_on"),
}
"""Our fields, by kind."""

_NEEDED: Final[Mapping[Kind, tuple[tuple[str, ...], ...]]] = {
    Kind.REFERRERS: (("email",), ("name", "first_name", "last_name")),
    Kind.CUSTOMERS: (("customer_id",), _REFERRER),
    Kind.COMMISSIONS: (("id",), _REFERRER, ("amount",)),
    Kind.BALANCES: (_REFERRER, ("amount",)),
}
"""Of each group, one column at least."""

_Names = Mapping[str, tuple[str, ...]]

_MAPS: Final[Mapping[Tool, Mapping[Kind, _Names]]] = {
    Tool.GENERIC: {},
    Tool.REWARDFUL: {
        Kind.REFERRERS: {
            "first_name": ("affiliate_first_name",),
            "last_name": ("affiliate_last_name",),
            "email": ("affiliate_email",),
            "code": ("token",),
            "status": ("state",),
        },
        Kind.CUSTOMERS: {
            "customer_id": ("stripe_customer_id", "imported_id"),
            "referrer_code": ("token",),
            "referrer_email": ("affiliate_email", "email"),
            "signed_up_at": ("became_lead_at", "created_at"),
            "email": ("customer_email",),
        },
        Kind.COMMISSIONS: {
            "id": ("commission_id",),
            "referrer_code": ("token",),
            "referrer_email": ("affiliate_email", "email"),
            "amount": ("commission_amount",),
            "available_on": ("due_at",),
            "status": ("state",),
        },
        Kind.BALANCES: {
            "referrer_code": ("token",),
            "referrer_email": ("affiliate_email", "email"),
            "amount": ("amount_due",),
            "available_on": ("due_at",),
        },
    },
    Tool.FIRSTPROMOTER: {
        Kind.REFERRERS: {
            "email": ("promoter_email",),
            "code": ("ref_id", "default_ref_id"),
            "status": ("state",),
        },
        Kind.CUSTOMERS: {
            "customer_id": ("uid",),
            "referrer_code": ("ref_id", "default_ref_id"),
            "referrer_email": ("promoter_email",),
            "signed_up_at": ("created_at",),
        },
        Kind.COMMISSIONS: {
            "referrer_code": ("ref_id", "default_ref_id"),
            "referrer_email": ("promoter_email",),
            "available_on": ("due_at",),
        },
        Kind.BALANCES: {
            "referrer_code": ("ref_id", "default_ref_id"),
            "referrer_email": ("promoter_email", "email"),
            "amount": ("current_balance",),
        },
    },
    Tool.TAPFILIATE: {
        Kind.REFERRERS: {
            "first_name": ("firstname",),
            "last_name": ("lastname",),
            "code": ("referral_code",),
        },
        Kind.CUSTOMERS: {
            "referrer_code": ("referral_code",),
            "referrer_email": ("affiliate_email",),
            "signed_up_at": ("created_at",),
        },
        Kind.COMMISSIONS: {
            "id": ("commission_id", "external_id"),
            "referrer_code": ("referral_code",),
            "referrer_email": ("affiliate_email",),
            # A conversion's "amount" is what the customer paid, not what the affiliate gets.
            "amount": ("commission_amount",),
            "status": ("commission_status",),
        },
        Kind.BALANCES: {
            "referrer_code": ("referral_code",),
            "referrer_email": ("affiliate_email", "email"),
            "amount": ("balance",),
        },
    },
    Tool.WHMCS: {
        Kind.REFERRERS: {
            "first_name": ("firstname",),
            "last_name": ("lastname",),
            "code": ("affiliate_id", "affiliateid"),
        },
        Kind.CUSTOMERS: {
            "customer_id": ("client_id", "clientid", "userid"),
            "referrer_code": ("affiliate_id", "affiliateid"),
            "signed_up_at": ("regdate",),
        },
        Kind.COMMISSIONS: {
            "referrer_code": ("affiliate_id", "affiliateid"),
            "available_on": ("clearingdate",),
        },
        Kind.BALANCES: {
            "referrer_code": ("affiliate_id", "affiliateid"),
            "amount": ("available_to_withdraw", "balance"),
        },
    },
}

_ONLY_THEIRS: Final = {(Tool.TAPFILIATE, Kind.COMMISSIONS): frozenset({"amount"})}
"""Fields for which our own name would be taken for something else in that tool's files."""


class Columns:
    """Where each of our fields stands in a file."""

    def __init__(self, places: Mapping[str, int], header: Sequence[str]) -> None:
        self._places = places
        self.width = len(header)
        self.header = header

    def __contains__(self, field: str) -> bool:
        """Whether the file has the field."""
        return field in self._places

    def read(self) -> list[tuple[str, int]]:
        """The fields that the file has, with the position of each."""
        return list(self._places.items())

    def position(self, name: str) -> int:
        """Where a column of that name in the file stands. Raises :class:`FileRefused`."""
        return _find(self.header, name, f"--skip {name}=")


def columns_of(header: Sequence[str], kind: Kind, tool: Tool, overrides: Mapping[str, str]) -> Columns:
    """Find the fields of ``kind`` in a header. ``overrides`` maps our names to the file's; an empty one leaves the
    field out.

    Raises :class:`MapRefused` for a field there is not, and :class:`FileRefused` for a column that is missing or there
    twice.
    """
    places: dict[str, int] = {}
    for field in overrides:
        if field not in FIELDS[kind]:
            raise MapRefused(field, ", ".join(FIELDS[kind]))
    for field in FIELDS[kind]:
        if field in overrides:
            if overrides[field]:
                places[field] = _find(header, overrides[field], f"for {field}")
            continue
        there = {alike(name) for name in header}
        found = next((name for name in _names(field, kind, tool) if name in there), None)
        if found is not None:
            places[field] = _find(header, found, f"for {field}")
    _without_doubles(places, overrides)
    for group in _NEEDED[kind]:
        if not any(field in places for field in group):
            raise FileRefused(1, _missing(group, kind, tool, header))
    return Columns(places, header)


def alike(name: str) -> str:
    """A column's name as it is compared."""
    return re.sub(r"[\W_]+", "_", name.strip().casefold()).strip("_")


def _names(field: str, kind: Kind, tool: Tool) -> tuple[str, ...]:
    theirs = _MAPS[tool].get(kind, {}).get(field, ())
    return theirs if field in _ONLY_THEIRS.get((tool, kind), ()) else (*theirs, field)


def _find(header: Sequence[str], name: str, what: str) -> int:
    places = [place for place, there in enumerate(header) if alike(there) == alike(name)]
    if not places:
        raise FileRefused(1, f"there is no column {name!r} ({what}); there are {_listed(header)}")
    if len(places) > 1:
        raise FileRefused(1, f"the column {name!r} is there {len(places)} times ({what})")
    return places[0]


def _without_doubles(places: dict[str, int], overrides: Mapping[str, str]) -> None:
    """A column that was named for one field is not taken for another as well, as Rewardful's ``email`` could be."""
    named = {places[field] for field in overrides if field in places}
    taken: set[int] = set(named)
    for field in list(places):
        if field in overrides:
            continue
        if places[field] in taken:
            del places[field]
        else:
            taken.add(places[field])


def _missing(group: Sequence[str], kind: Kind, tool: Tool, header: Sequence[str]) -> str:
    wanted = " or ".join(group)
    names = ", ".join(dict.fromkeys(name for field in group for name in _names(field, kind, tool)))
    return (
        f"no column for {wanted} ({tool.value} files have it as {names}); there are {_listed(header)}. "
        f"Say --map {group[0]}=COLUMN"
    )


def _listed(header: Sequence[str]) -> str:
    names = [name[:40] for name in header[:20]]
    return ", ".join(names) + (", ..." if len(header) > len(names) else "")
