"""The page behind the mailed link that takes a change of the bank account back."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from app.dashboard import formatting
from app.dashboard.components import Cell, Fact
from app.dashboard.i18n import _
from app.dashboard.presenters.bank_account import masked

if TYPE_CHECKING:
    from app.payouts.models import PayoutDestination
    from app.payouts.undoing import Undoable


@dataclass(frozen=True, slots=True)
class UndoPage:
    """What the link does, did, or cannot do."""

    title: str
    text: str
    facts: tuple[Fact, ...] = ()
    button: str = ""
    done: bool = False


def asked(found: Undoable) -> UndoPage:
    """Before the press."""
    return UndoPage(
        title=_("Take the change of your bank account back?"),
        text=_("Payouts then go to the earlier account again, and the changed one is not used."),
        facts=(
            Fact(_("Programme"), Cell(found.program.name)),
            Fact(_("Changed to"), Cell(masked(found.change), code=True)),
            Fact(_("Would be used from"), Cell(formatting.day(found.change.usable_on))),
            Fact(_("Back to"), Cell(masked(found.earlier), code=True)),
        ),
        button=_("Take the change back"),
    )


def undone(restored: PayoutDestination) -> UndoPage:
    """After the press."""
    return UndoPage(
        title=_("The change is taken back"),
        text=_(
            "If you did not change the account yourself, somebody else knows your password: set a new one now."
        ),
        facts=(Fact(_("Payouts go to"), Cell(masked(restored), code=True)),),
        done=True,
    )


def refused() -> UndoPage:
    """The link does nothing (any more)."""
    return UndoPage(
        title=_("This link does nothing any more"),
        text=_(
            "The change was taken back already, has come into force, or was followed by another account. "
            "Log in to see the account on file, or write to us."
        ),
    )
