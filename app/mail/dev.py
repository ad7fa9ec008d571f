"""/dev/mail: what would have been sent, for people who try the product. Never attached in production."""

from __future__ import annotations

import email
import email.policy
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from flask import Blueprint, Response, abort, render_template

from app.mail.messages import blocks_of

if TYPE_CHECKING:
    from email.message import EmailMessage
    from pathlib import Path

    from flask import Flask

    from app.mail.messages import Block

_SHOWN: Final = 200


@dataclass(frozen=True, slots=True)
class KeptMail:
    """One ``.eml`` file, as the page shows it."""

    name: str
    recipient: str
    subject: str
    date: str
    locale: str
    blocks: tuple[Block, ...]
    html: str


def kept_mails(folder: Path) -> list[KeptMail]:
    """The last 200 messages in the folder, newest first (their names begin with the time)."""
    names = sorted((path.name for path in folder.glob("*.eml")), reverse=True) if folder.is_dir() else []
    return [_read(folder / name) for name in names[:_SHOWN]]


def _read(path: Path) -> KeptMail:
    message: EmailMessage = email.message_from_bytes(path.read_bytes(), policy=email.policy.default)
    plain, html = message.get_body(("plain",)), message.get_body(("html",))
    return KeptMail(
        name=path.stem,
        recipient=message["To"],
        subject=message["Subject"],
        date=message["Date"],
        locale=message["Content-Language"],
        blocks=blocks_of("" if plain is None else plain.get_content()),
        html="" if html is None else html.get_content(),
    )


def register_dev_mail(app: Flask, folder: Path) -> None:
    """Attach the pages that show ``folder``. The factory does it outside production only."""
    pages = Blueprint("dev_mail", __name__, url_prefix="/dev/mail")

    @pages.get("")
    def index() -> str:
        return render_template("dev/mails.html", mails=kept_mails(folder))

    @pages.get("/<name>")
    def show(name: str) -> str:
        return render_template("dev/mail.html", mail=_named(folder, name))

    @pages.get("/<name>/html")
    def html(name: str) -> Response:
        answer = Response(_named(folder, name).html)
        # The message brings its own style sheet and nothing else.
        answer.headers["Content-Security-Policy"] = (
            "default-src 'none'; style-src 'unsafe-inline'; sandbox allow-top-navigation"
        )
        return answer

    app.register_blueprint(pages)


def _named(folder: Path, name: str) -> KeptMail:
    found = next((mail for mail in kept_mails(folder) if mail.name == name), None)
    if found is None:
        abort(404)
    return found
