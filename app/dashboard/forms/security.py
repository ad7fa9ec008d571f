"""Forms of a person's own login."""

from __future__ import annotations

from flask_wtf import FlaskForm

from app.dashboard.forms.again import code_field


class CodeForm(FlaskForm):
    """One code: at the second step of logging in, and to confirm an app."""

    code = code_field()
