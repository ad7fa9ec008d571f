"""The closed lists of this slice."""

from __future__ import annotations

from enum import StrEnum


class Opens(StrEnum):
    """What a hand-over opens. No address comes from outside, so there is none to send anybody astray with."""

    DASHBOARD = "dashboard"
    """The referrer's home."""
    LINKS = "links"
    """The referrer's links."""
    PAYOUTS = "payouts"
    """The referrer's payouts."""
    PARTNER = "partner"
    """The customer's page about their own partner."""
    DIRECTORY = "directory"
    """The directory of partners."""
    PROFILE = "profile"
    """The profile of one partner in the directory."""


FOR_REFERRERS = frozenset({Opens.DASHBOARD, Opens.LINKS, Opens.PAYOUTS})
FOR_CUSTOMERS = frozenset({Opens.PARTNER, Opens.DIRECTORY, Opens.PROFILE})
