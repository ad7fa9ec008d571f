"""``flask users`` and ``flask api-keys``: who may do what."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Any

import click

from app.cli.command import BadInput, House, answer, json_option, parts, password_from_stdin, program_of
from app.identity import passwords
from app.identity.api_keys import create_api_key, revoke_api_key
from app.identity.audit import Actor
from app.identity.emails import clean_email
from app.identity.queries import api_keys_of
from app.identity.roles import STAFF, Role
from app.identity.users import LOCALES, NewUser, create_user
from app.kernel import clock
from app.referrals.queries.programs_shown import programs as all_programs

if TYPE_CHECKING:
    from app.identity.models import ApiKey
    from app.referrals.models import Program

users = House("users", help="The merchant's people.")
api_keys = House("api-keys", help="Keys of shops and billing systems.")

_ROLES = [role.value for role in (Role.OWNER, Role.FINANCE, Role.SUPPORT, Role.AUDITOR) if role in STAFF]


@users.command("create")
@click.option("--email", required=True, metavar="E", help="The address they log in with.")
@click.option("--role", required=True, type=click.Choice(_ROLES), help="What they may do.")
@click.option("--name", default="", help="What pages call them.")
@click.option("--locale", type=click.Choice(LOCALES), default="en", show_default=True, help="Their language.")
@click.option("--password-stdin", is_flag=True, help="Read the password from standard input.")
@json_option
def create(email: str, role: str, name: str, locale: str, password_stdin: bool, as_json: bool) -> None:
    """Create a person of the merchant's staff; asks for the password twice."""
    address = clean_email(email)
    password = password_from_stdin() if password_stdin else _asked_twice(address)
    new = NewUser(address, Role(role), name=name, locale=locale, password=password)
    with parts().db.transaction() as session:
        user = create_user(session, new, actor=Actor.cli(), now=clock.now())
    answer(as_json, {"email": user.email, "role": role}, f"{user.email} created with the role {role}")


def _asked_twice(email: str) -> str:
    if not _at_a_terminal():
        raise BadInput("--password-stdin: needed where there is no terminal to ask at")
    password: str = click.prompt("Password", hide_input=True, confirmation_prompt=True, err=True)
    passwords.check_strength(password, email=email)
    return password


def _at_a_terminal() -> bool:
    return sys.stdin.isatty()


@api_keys.command("create")
@click.option("--program", "slug", required=True, metavar="S", help="The programme that the key belongs to.")
@click.option("--name", required=True, metavar="N", help="What it is for.")
@click.option("--scopes", required=True, metavar="a,b", help="What it may be used for, comma separated.")
@json_option
def create_key(slug: str, name: str, scopes: str, as_json: bool) -> None:
    """Make a key and print it, this once."""
    wanted = [scope.strip() for scope in scopes.split(",") if scope.strip()]
    with parts().db.transaction() as session:
        program = program_of(session, slug)
        created = create_api_key(
            session, program_id=program.id, name=name, scopes=wanted, actor=Actor.cli(), now=clock.now()
        )
    row = created.row
    answer(as_json, {"key": created.key, "id": row.prefix, "scopes": row.scopes}, created.key)


@api_keys.command("list")
@click.option("--program", "slug", metavar="S", help="Of one programme only.")
@json_option
def list_keys(slug: str | None, as_json: bool) -> None:
    """List the keys, never their secrets."""
    with parts().db.reading() as session:
        found = [program_of(session, slug)] if slug else all_programs(session)
        shown = [_key_view(program, row) for program in found for row in api_keys_of(session, program.id)]
    lines = [
        f"{key['id']}  {key['program']}  {key['name']}  {','.join(key['scopes'])}"
        + ("  revoked" if key["revoked_at"] else "")
        for key in shown
    ]
    answer(as_json, {"api_keys": shown}, *(lines or ["no API key yet"]))


@api_keys.command("revoke")
@click.argument("key", metavar="KEY")
@json_option
def revoke_key(key: str, as_json: bool) -> None:
    """End a key at once. KEY is its first part as the list shows it, or the whole key."""
    with parts().db.transaction() as session:
        row = revoke_api_key(session, key, actor=Actor.cli(), now=clock.now())
    answer(as_json, {"id": row.prefix, "revoked": True}, f"API key {row.prefix} revoked")


def _key_view(program: Program, row: ApiKey) -> dict[str, Any]:
    return {
        "id": row.prefix,
        "program": program.slug,
        "name": row.name,
        "scopes": row.scopes,
        "created_at": row.created_at.isoformat(),
        "revoked_at": row.revoked_at and row.revoked_at.isoformat(),
    }
