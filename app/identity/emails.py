"""E-mail addresses of people: checked once, kept in one form."""

from __future__ import annotations

from typing import Final

from email_validator import EmailNotValidError, validate_email

from app.kernel.errors import InvalidInput

MAX_LENGTH: Final = 254
"""RFC 5321, 4.5.3.1.3, less the angle brackets."""


class InvalidEmail(InvalidInput):
    """The text is not an address that mail can be sent to."""

    title = "Invalid e-mail address"

    def __init__(self, raw: str, reason: str) -> None:
        super().__init__(f"{raw[:MAX_LENGTH]!r} is not an e-mail address: {reason}", pointer="/email")


def clean_email(raw: str) -> str:
    """The address in lower case, as it is stored and compared. Raises :class:`InvalidEmail`.

    Syntax only: whether the mailbox exists is shown by its owner following the mailed link.
    """
    text = raw.strip()
    if len(text) > MAX_LENGTH:
        raise InvalidEmail(raw, f"it is longer than {MAX_LENGTH} characters")
    try:
        checked = validate_email(text, check_deliverability=False, allow_smtputf8=False)
    except EmailNotValidError as error:
        raise InvalidEmail(raw, str(error)) from error
    return checked.normalized.lower()
