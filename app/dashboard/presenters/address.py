"""The pages behind mailed links on an address, in words."""

from __future__ import annotations

from dataclasses import dataclass

from app.dashboard.i18n import _


@dataclass(frozen=True, slots=True)
class AddressPage:
    """What a link does, did, or cannot do. ``button`` is empty where nothing is left to press."""

    title: str
    text: str
    button: str = ""


def verifying() -> AddressPage:
    """Before the press that confirms the address of an account."""
    title = _("Confirm your e-mail address")
    return AddressPage(title, _("Messages about your payouts and your bank account go there."), title)


def confirming(email: str) -> AddressPage:
    """Before the press that lets a new address hold."""
    return AddressPage(
        _("Confirm your new e-mail address"),
        _("You log in with %(email)s from then on. You are logged out everywhere.", email=email),
        _("Confirm the new address"),
    )


def undoing(email: str) -> AddressPage:
    """Before the press that gives the old address back."""
    return AddressPage(
        _("Take the change of your address back?"),
        _(
            "%(email)s opens your account again. Everybody is logged out, and you set a new password by mail.",
            email=email,
        ),
        _("Take the change back"),
    )


def undone(email: str) -> AddressPage:
    """After it."""
    return AddressPage(
        _("Your old address holds again"),
        _("A mail with a link that sets a new password is on its way to %(email)s.", email=email),
    )


def refused() -> AddressPage:
    """A link that was used, is too old, or whose address somebody else has."""
    return AddressPage(
        _("This link does nothing any more"), _("It has been used or has expired. Nothing was changed.")
    )
