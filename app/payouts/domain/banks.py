"""What banks want of a payment file beyond the standard: one row for each, by the name in a programme's settings.

All of them take pain.001.001.09 in the SEPA character set with ``SvcLvl`` SEPA, ``ChrgBr`` SLEV and no
``InstrPrty`` (which is normal where it is left out; HIGH buys an urgent payment, EPC132-08). All book a batch as one
debit unless they are asked not to. What differs, and who says so:

=============  ==========================================================================================
``abn-amro``   "We automatically check whether the individual credit transfers are instant payments", so it
               is not asked for them (abnamro.nl, credit transfer batches). 100,000 payments a file are
               taken, 10,000 are advised.
``bunq``       "XML limit is 350 payments per batch" (doc.bunq.com, how to do bulk payments). Payments come
               out one by one, so no batch booking is asked for.
``rabobank``   "The maximum file size is 3 MB" (Rabo Internet Banking Professional, Euro files): 3,500
               payments stay below it, with the longest names and addresses too.
``german``     Deutsche Kreditwirtschaft, DFÜ-Abkommen, Anlage 3, for every bank in Germany: version .09
               only since November 2025; instant payments by ``LclInstrm`` INST.
``ing``        InsideBusiness names no limit in public; what is common is assumed.
``generic``    What is common: 10,000 payments, batch booking, INST where the programme wants it.
=============  ==========================================================================================
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final


@dataclass(frozen=True, slots=True)
class BankProfile:
    """What one bank wants."""

    per_file: int = 10_000
    """The most payments in one file."""
    batch_booking: bool = True
    """Whether the statement shall show one debit for the whole file (``BtchBookg``)."""
    asks_instant: bool = True
    """Whether an instant payment is asked for by ``LclInstrm`` INST (SCT Inst); some banks decide by themselves."""


BANKS: Final[dict[str, BankProfile]] = {
    "generic": BankProfile(),
    "ing": BankProfile(),
    "abn-amro": BankProfile(asks_instant=False),
    "rabobank": BankProfile(per_file=3_500),
    "bunq": BankProfile(per_file=350, batch_booking=False),
    "german": BankProfile(),
}
"""By the name that a programme's ``bank_profile`` may have."""
