"""``flask users`` and ``flask api-keys``: who may do what."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from app.cli.command import (
    BadInput,
    House,
    answer,
    json_option,
    parts,
    password_asked,
    password_from_stdin,
    program_of,
)
from app.identity import passwords
from app.identity.api_keys import create_api_key, revoke_api_key
from app.identity.audit import Actor
from app.identity.emails import clean_email
from app.identity.queries import api_keys_of, staff, user_by_email
from app.identity.roles import STAFF, Role
from app.identity.second_factor import reset_factors
from app.identity.staffing import assign_role, shut_out
from app.identity.users import (
    LOCALES,
    NewUser,
    UnknownUser,
    create_user,
    disable_user,
    enable_user,
    set_password,
)
from app.kernel import clock
from app.referrals.queries.programs_shown import programs as all_programs

if TYPE_CHECKING:
    from sqlalchemy.orm import Session

    from app.identity.models import ApiKey, User
    from app.referrals.models import Program

users = House("users", help="The merchant's people.")
api_keys = House("api-keys", help="Keys of shops and billing systems.")

_ROLES = [role.value for role in (Role.OWNER, Role.FINANCE, Role.SUPPORT, Role.AUDITOR) if role in STAFF]

_EMAIL = click.option("--email", required=True, metavar="E", help="The address they log in with.")


@users.command("create")
@_EMAIL
@click.option("--role", required=True, type=click.Choice(_ROLES), help="What they may do.")
@click.option("--name", default="", help="What pages call them.")
@click.option("--locale", type=click.Choice(LOCALES), default="en", show_default=True, help="Their language.")
@click.option("--password-stdin", is_flag=True, help="Read the password from standard input.")
@json_option
def create(email: str, role: str, name: str, locale: str, password_stdin: bool, as_json: bool) -> None:
    """Create a person of the merchant's staff; asks for the password twice."""
    address = clean_email(email)
    password = _chosen_password(address, from_stdin=password_stdin)
    new = NewUser(address, Role(role), name=name, locale=locale, password=password)
    with parts().db.transaction() as session:
        user = create_user(session, new, actor=Actor.cli(), now=clock.now())
    answer(as_json, {"email": user.email, "role": role}, f"{user.email} created with the role {role}")


@users.command("list")
@json_option
def list_users(as_json: bool) -> None:
    """List the merchant's staff."""
    with parts().db.reading() as session:
        rows = [
            {"email": user.email, "role": user.role.value, "disabled": user.disabled_at is not None}
            for user in staff(session)
        ]
    lines = [f"{row['email']}  {row['role']}{'  disabled' if row['disabled'] else ''}" for row in rows]
    answer(as_json, {"users": rows}, *(lines or ["nobody yet"]))


@users.command("password")
@_EMAIL
@click.option("--password-stdin", is_flag=True, help="Read the password from standard input.")
@json_option
def new_password(email: str, password_stdin: bool, as_json: bool) -> None:
    """Give a person a new password; logs them out everywhere."""
    password = _chosen_password(email, from_stdin=password_stdin)
    with parts().db.transaction() as session:
        user = _person(session, email)
        set_password(session, user, password, actor=Actor.cli(), now=clock.now())
    answer(as_json, {"email": user.email}, f"{user.email} has a new password")


@users.command("role")
@_EMAIL
@click.option("--role", required=True, type=click.Choice(_ROLES), help="What they may do from now on.")
@json_option
def new_role(email: str, role: str, as_json: bool) -> None:
    """Give a person of the staff another role; they log in again."""
    with parts().db.transaction() as session:
        user = _person(session, email)
        if user.role not in STAFF:
            raise BadInput(f"--email: {user.email} is a referrer, not staff")
        assign_role(session, user, Role(role), actor=Actor.cli(), now=clock.now())
    answer(as_json, {"email": user.email, "role": role}, f"{user.email} has the role {role}")


@users.command("disable")
@_EMAIL
@json_option
def disable(email: str, as_json: bool) -> None:
    """Shut a person out at once."""
    with parts().db.transaction() as session:
        user = _person(session, email)
        end = shut_out if user.role in STAFF else disable_user
        end(session, user, actor=Actor.cli(), now=clock.now())
    answer(as_json, {"email": user.email, "disabled": True}, f"{user.email} is shut out")


@users.command("enable")
@_EMAIL
@json_option
def enable(email: str, as_json: bool) -> None:
    """Let a person in again."""
    with parts().db.transaction() as session:
        user = _person(session, email)
        enable_user(session, user, actor=Actor.cli(), now=clock.now())
    answer(as_json, {"email": user.email, "disabled": False}, f"{user.email} may log in again")


@users.command("reset-factors")
@_EMAIL
@json_option
def reset(email: str, as_json: bool) -> None:
    """Take away the second steps of a person who lost them; their password alone lets them in again.

    Make sure first that it is really them: by their voice, not by a mail.
    """
    with parts().db.transaction() as session:
        user = _person(session, email)
        had = reset_factors(session, user, actor=Actor.cli(), now=clock.now())
        if had:
            parts().mail.accounts.tell_factor_changed(session, user, is_new=False, now=clock.now())
    said = "has no second step any more" if had else "had no second step"
    answer(as_json, {"email": user.email, "reset": had}, f"{user.email} {said}")


def _person(session: Session, email: str) -> User:
    user = user_by_email(session, email)
    if user is None:
        raise UnknownUser(email)
    return user


def _chosen_password(email: str, *, from_stdin: bool) -> str:
    password = password_from_stdin() if from_stdin else password_asked(twice=True)
    passwords.check_strength(password, email=email)
    return password


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
