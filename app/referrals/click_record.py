"""One click as it travels from the redirect to the database: through the stream, or through the spool.

The text form is tab-separated. No field can hold a tab or a line break: each is an id, a number, a hash, a host, or
text from :mod:`app.referrals.domain.agent` and :mod:`app.referrals.domain.click_label`.
"""

from __future__ import annotations

from typing import Final, NamedTuple

_FIELDS: Final = 8
_VERSION: Final = "1"


class BrokenRecord(ValueError):
    """Bytes in the stream or the spool that are not a click of ours."""


class ClickRecord(NamedTuple):
    """What is known of one request to a referral link; no address and no full agent.

    ``at_ms`` is milliseconds since 1970. ``referrer_id`` is ``None`` and ``click_id`` empty where the link
    attributes nothing; ``network`` is empty where it is not known. ``label`` and ``click_id`` are as the redirect
    proposes them: the append may find a duplicate.
    """

    event_id: str
    at_ms: int
    program_id: int
    referrer_id: int | None
    campaign: str
    visitor: str
    agent: str
    source_host: str
    label: str
    click_id: str
    network: str = ""

    def body(self) -> str:
        """All but the label and the click id, which the append decides."""
        network = f"\t{self.network}" if self.network else ""
        return (
            f"{_VERSION}\t{self.event_id}\t{self.at_ms}\t{self.program_id}\t{self.referrer_id or ''}"
            f"\t{self.campaign}\t{self.visitor}\t{self.agent}\t{self.source_host}{network}"
        )

    @classmethod
    def read(cls, body: str, label: str, click_id: str) -> ClickRecord:
        """The record of its text. Raises :class:`BrokenRecord`."""
        version, *fields = body.split("\t")
        if version != _VERSION or len(fields) not in {_FIELDS, _FIELDS + 1}:
            raise BrokenRecord(body[:200])
        event_id, at_ms, program_id, referrer_id, campaign, visitor, agent, source_host, *network = fields
        try:
            return cls(
                event_id,
                int(at_ms),
                int(program_id),
                int(referrer_id) if referrer_id else None,
                campaign,
                visitor,
                agent,
                source_host,
                label,
                click_id,
                *network,
            )
        except ValueError:
            raise BrokenRecord(body[:200]) from None
