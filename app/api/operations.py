"""How a call runs, whichever it is: key, limit, scope, body, one transaction, answer.

``routes/`` declares each call as an :class:`Operation`; ``openapi.py`` describes the same declarations, so that no
route can be missing from the document.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import partial
from http import HTTPStatus
from typing import TYPE_CHECKING, Any, Final, TypeAlias

import structlog
from flask import Response, current_app, request
from pydantic import BaseModel, TypeAdapter, ValidationError
from sqlalchemy.exc import DBAPIError, IntegrityError

from app.api import auth, bodies, idempotency
from app.api.fields import Id
from app.api.problems import dump
from app.kernel import clock
from app.kernel.errors import NotFound, RefledgerError
from app.requests import services

if TYPE_CHECKING:
    from datetime import datetime

    from flask import Blueprint
    from sqlalchemy.orm import Session

    from app.identity.api_keys import ApiAccess, Scope
    from app.kernel.db import Database
    from app.referrals.intake import ReferralDeps
    from app.referrals.models import Program
    from app.requests import Services

_log = structlog.get_logger(__name__)

KEYS: Final = "refledger_api_keys"
"""Where the application keeps its :class:`app.api.auth.KnownKeys`."""

LIMIT: Final = "refledger_api_limit"
"""Where the application keeps its :class:`app.api.limits.RequestLimit`."""

_ATTEMPTS: Final = 4
"""How often a transaction that the database gave up on (deadlock, serialization) is run in all."""

_RETRIED: Final = frozenset({"40001", "40P01"})
"""SQLSTATE serialization_failure and deadlock_detected: rolled back whole, safe to run again."""


@dataclass(frozen=True)
class Answer:
    """What a call answers: a status and a JSON document."""

    status: int
    body: dict[str, Any]
    headers: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Call:
    """One running call, as a view sees it. ``body`` and ``query`` are of the models its operation declares."""

    session: Session
    program: Program
    services: Services
    access: ApiAccess
    now: datetime
    body: Any = None
    query: Any = None

    @property
    def deps(self) -> ReferralDeps:
        """What the use cases of referrals need."""
        return self.services.referrals


View: TypeAlias = Callable[..., Answer]


@dataclass(frozen=True)
class Operation:
    """One call of the API.

    ``path`` is as OpenAPI writes it, below ``/api/v1``. ``answers`` maps each status to its model. A call that
    ``writes`` runs in a write transaction, any other reads.
    """

    method: str
    path: str
    summary: str
    view: View
    scopes: tuple[Scope, ...]
    """Any one of them will do."""
    answers: Mapping[int, type[BaseModel]]
    body: type[BaseModel] | None = None
    query: type[BaseModel] | None = None
    tag: str = ""
    secret: bool = False
    """The answer opens something for whoever reads it, so it is never kept, not even for an ``Idempotency-Key``."""
    examples: tuple[str, ...] = ()

    @property
    def name(self) -> str:
        """Flask endpoint and OpenAPI operation id."""
        return self.view.__name__

    @property
    def writes(self) -> bool:
        """Whether it changes anything."""
        return self.method != "GET"

    @property
    def description(self) -> str:
        """The view's docstring."""
        return inspect.getdoc(self.view) or ""

    @property
    def rule(self) -> str:
        """The Flask rule: ids may hold slashes, which a WSGI server hands over decoded."""
        return self.path.replace("{", "<any_id:").replace("}", ">")


class OperationTable:
    """The operations of one module, declared by decorators."""

    def __init__(self, tag: str) -> None:
        self.tag = tag
        self.operations: list[Operation] = []

    def declare(  # each argument is one property of the call, named at every use
        self,
        method: str,
        path: str,
        *,
        summary: str,
        scopes: tuple[Scope, ...],
        answers: Mapping[int, type[BaseModel]],
        body: type[BaseModel] | None = None,
        query: type[BaseModel] | None = None,
        secret: bool = False,
    ) -> Callable[[View], View]:
        """Decorate a view ``(call, **path parameters) -> Answer``."""

        def declared(view: View) -> View:
            self.operations.append(
                Operation(
                    method, path, summary, view, scopes, answers, body, query, tag=self.tag, secret=secret
                )
            )
            return view

        return declared


def mount(blueprint: Blueprint, operation: Operation) -> None:
    """Route the operation to :func:`run`."""
    blueprint.add_url_rule(
        operation.rule, operation.name, partial(run, operation), methods=[operation.method]
    )


def run(operation: Operation, **path: str) -> Response:
    """Answer one request. Every refusal is raised, and becomes a problem in ``problems.py``."""
    now, house = clock.now(), services()
    access = auth.authenticated(current_app.extensions[KEYS], current_app.extensions[LIMIT])
    try:
        auth.require_any(access, operation.scopes)
        _check_ids(operation, path)
        raw = bodies.read_json(request) if operation.body else None
        parsed = bodies.validate(operation.body, raw, now) if operation.body else None
        query = _query(operation, now)
    except RefledgerError:
        auth.require_live(access)
        raise

    def work(session: Session) -> Answer:
        program = auth.program_of(session, access, house.referrals.rulebooks)
        call = Call(session, program, house, access, now, parsed, query)
        if not operation.writes or operation.secret:
            return operation.view(call, **path)
        return _once(call, raw, partial(operation.view, call, **path))

    if operation.writes:
        return respond(in_transaction(house.db, work))
    with house.db.reading() as session:
        return respond(work(session))


def in_transaction(db: Database, work: Callable[[Session], Answer]) -> Answer:
    """Run ``work`` in a write transaction and commit; again where the database gave up on it by no fault of ours.

    A unique key that two transactions met on counts too: the second try finds what the first one recorded.
    """
    attempt = 1
    while True:
        try:
            with db.transaction() as session:
                return work(session)
        except DBAPIError as error:
            if attempt == _ATTEMPTS or not may_retry(error):
                raise
            _log.info("transaction_retried", attempt=attempt, error=type(error.orig).__name__)
            attempt += 1


def may_retry(error: DBAPIError) -> bool:
    """Whether running the same transaction again can end otherwise."""
    return isinstance(error, IntegrityError) or getattr(error.orig, "sqlstate", None) in _RETRIED


def _once(call: Call, raw: bodies.Json, view: Callable[[], Answer]) -> Answer:
    """The view's answer, or the one that was given before under the request's ``Idempotency-Key``."""
    key = idempotency.checked_key(request.headers.get("Idempotency-Key"))
    if key is None or request.method != "POST":
        return view()
    hashed = idempotency.request_hash(request.method, request.path, raw)
    stored = idempotency.stored_answer(call.session, call.program.id, key, hashed, call.now)
    if stored:
        return Answer(*stored, {"Idempotency-Replayed": "true"})
    answer = view()
    idempotency.keep(call.session, call.program.id, key, answer.status, answer.body)
    return answer


def respond(answer: Answer) -> Response:
    """The HTTP response of an answer."""
    response = Response(
        b"" if answer.status == HTTPStatus.NO_CONTENT else dump(answer.body),
        answer.status,
        mimetype="application/json",
    )
    response.headers["Cache-Control"] = "no-store"
    for name, value in answer.headers.items():
        response.headers[name] = value
    return response


_ID: Final[TypeAdapter[str]] = TypeAdapter(Id)


class BadId(NotFound):
    """An id in the path that no resource can have."""

    title = "Not found"

    def __init__(self, name: str) -> None:
        super().__init__(f"{name} must be 1 to 128 printable characters")


def _check_ids(operation: Operation, path: Mapping[str, str]) -> None:
    for name, value in path.items():
        try:
            _ID.validate_python(value)
        except ValidationError:
            if operation.writes:
                raise bodies.InvalidFields([(f"/{name}", "must be 1 to 128 printable characters")]) from None
            raise BadId(name) from None


def _query(operation: Operation, now: datetime) -> BaseModel | None:
    """The query parameters as the operation's model; a call without one takes none."""
    given = request.args.to_dict(flat=False)
    repeated = [name for name, values in given.items() if len(values) > 1]
    if repeated:
        raise bodies.InvalidFields([(f"/{repeated[0]}", "is given twice")])
    plain = {name: values[0] for name, values in given.items()}
    if operation.query is None:
        if plain:
            raise bodies.InvalidFields([(f"/{next(iter(plain))}", "is not a parameter of this call")])
        return None
    return bodies.validate(operation.query, plain, now)
