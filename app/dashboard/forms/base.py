"""What every form shares."""

from __future__ import annotations

from typing import TYPE_CHECKING

from wtforms import Field

if TYPE_CHECKING:
    from flask_wtf import FlaskForm

    from app.kernel.errors import RefledgerError


def stripped(value: str | None) -> str | None:
    """Without blanks at either end."""
    return value.strip() if value else value


def text(field: Field) -> str:
    """What was typed into a field that has passed its validators."""
    return str(field.data or "")


def show_refusal(
    form: FlaskForm, error: RefledgerError, words: str, *, fields: dict[str, str] | None = None
) -> None:
    """Put a use case's refusal beside the field it points at, else above the form.

    ``words`` is the sentence in the reader's language. ``fields`` maps pointers ("/iban") to field names where the
    two differ.
    """
    pointer = (error.pointer or "").strip("/")
    name = (fields or {}).get(error.pointer or "", pointer)
    field = form._fields.get(name)
    if isinstance(field, Field):
        field.errors = [*field.errors, words]
    else:
        form.form_errors.append(words)
