"""How every command fails and answers: one clear line on standard error, or one answer on standard output."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable
from contextlib import contextmanager
from typing import IO, TYPE_CHECKING, Any, Final, TypeVar

import click
from flask import current_app
from flask.cli import AppGroup
from redis.exceptions import RedisError
from sqlalchemy.exc import SQLAlchemyError

from app.identity.queries import user_by_email
from app.identity.roles import allowed
from app.identity.users import UnknownUser
from app.kernel.errors import Forbidden, InvalidInput, RefledgerError
from app.referrals.programs import find_program
from app.referrals.referrers import find_referrer
from app.requests import EXTENSION

if TYPE_CHECKING:
    from collections.abc import Iterator

    from sqlalchemy.orm import Session

    from app.identity.models import User
    from app.identity.roles import Action
    from app.referrals.models import Program, Referrer
    from app.services import Services

Command = TypeVar("Command", bound=Callable[..., Any])

_OPTION_OF: Final = {
    "from_at": "from",
    "holds": "hold",
    "hosts": "host",
    "referrer_code": "referrer",
    "code": "referrer",
}
"""Where an option is not called like the field that a use case blames."""


class Refusal(click.ClickException):
    """Bad input or a refused use case: one line, no usage text, no traceback."""

    def __init__(self, message: str) -> None:
        super().__init__(" ".join(message.split()))

    def show(self, file: IO[Any] | None = None) -> None:
        """Print the line to standard error."""
        click.echo(f"Error: {self.format_message()}", file=file, err=file is None)


class BadInput(Refusal):
    """The input itself is wrong, so that trying again is no use."""

    exit_code = 2


def refusal(message: str, error: Exception) -> Refusal:
    """The line for ``error``, with the exit code that its kind has."""
    bad = isinstance(error, InvalidInput | click.UsageError)
    return BadInput(message) if bad else Refusal(message)


class House(AppGroup):
    """A group of commands whose every failure is a :class:`Refusal`."""

    def make_context(
        self,
        info_name: str | None,
        args: list[str],
        parent: click.Context | None = None,
        **extra: Any,  # noqa: ANN401 - as Click hands it over
    ) -> click.Context:
        """Read the group's own arguments."""
        with refusing():
            return super().make_context(info_name, args, parent, **extra)

    def invoke(self, ctx: click.Context) -> object:
        """Read the command's arguments and run it."""
        with refusing():
            return super().invoke(ctx)


@contextmanager
def refusing() -> Iterator[None]:
    """Turn what may go wrong into one line."""
    try:
        yield
    except click.exceptions.NoArgsIsHelpError:
        raise
    except click.UsageError as error:
        raise refusal(error.format_message(), error) from None
    except RefledgerError as error:
        raise refusal(_line(error), error) from None
    except SQLAlchemyError as error:
        raise Refusal(f"the database does not do it: {_cause(error)}") from None
    except RedisError as error:
        raise Refusal(f"Redis does not answer: {_cause(error)}") from None


def _cause(error: Exception) -> str:
    text = str(getattr(error, "orig", None) or error)
    return text.splitlines()[0] if text else type(error).__name__


def _line(error: RefledgerError) -> str:
    if error.pointer is None:
        return error.detail
    field = error.pointer.lstrip("/").partition("/")[0]
    name = _OPTION_OF.get(field, field)
    detail = error.detail.removeprefix(f"{field}: ").removeprefix(f"{name}: ")
    return f"--{name.replace('_', '-')}: {detail}"


@contextmanager
def blaming(option: str) -> Iterator[None]:
    """Have a refusal inside the block name ``option``, whichever field the use case calls it."""
    try:
        yield
    except RefledgerError as error:
        raise refusal(f"{option}: {error.detail}", error) from None


def parts() -> Services:
    """What ``factory.py`` wired."""
    services: Services = current_app.extensions[EXTENSION]
    return services


def json_option(command: Command) -> Command:
    """Give a command ``--json``."""
    option = click.option("--json", "as_json", is_flag=True, help="Print JSON instead of text.")
    return option(command)


def answer(as_json: bool, data: dict[str, Any], *lines: str) -> None:
    """Print ``data`` as one JSON object, or the lines for people."""
    if as_json:
        click.echo(json.dumps(data, ensure_ascii=False))
    else:
        for line in lines:
            click.echo(line)


def program_of(session: Session, slug: str) -> Program:
    """The programme of ``--program``."""
    with blaming("--program"):
        return find_program(session, slug)


def referrer_of(session: Session, program: Program, code: str) -> Referrer:
    """The referrer of ``--referrer``."""
    with blaming("--referrer"):
        return find_referrer(session, program, code)


def person_who(session: Session, email: str, action: Action) -> User:
    """The person of ``--by``, who must be allowed to do ``action``."""
    with blaming("--by"):
        user = user_by_email(session, email)
        if user is None or user.disabled_at is not None:
            raise UnknownUser(email)
        if not allowed(user.role, action):
            raise Forbidden(f"{user.email} has the role {user.role.value}, which may not do this")
        return user


def password_from_stdin() -> str:
    """The first line of standard input, for ``--password-stdin``."""
    password = sys.stdin.readline().rstrip("\r\n")
    if not password:
        raise BadInput("--password-stdin: no password on standard input")
    return password


def password_asked(*, twice: bool) -> str:
    """A password typed at the terminal, unseen; ``twice`` for one that is being chosen."""
    if not _at_a_terminal():
        raise BadInput("--password-stdin: needed where there is no terminal to ask at")
    password: str = click.prompt("Password", hide_input=True, confirmation_prompt=twice, err=True)
    return password


def code_given(*, from_stdin: bool) -> str:
    """The code of somebody with a second step: the next line of standard input, or typed at the terminal."""
    if from_stdin:
        code = sys.stdin.readline().strip()
        if not code:
            raise BadInput(
                "--password-stdin: this person has a second step: a code on the second line is needed"
            )
        return code
    typed: str = click.prompt("Code (six digits, or a recovery code)", err=True)
    return typed


def _at_a_terminal() -> bool:
    return sys.stdin.isatty()
