"""``POST /batch``: many facts in one request, each answered as if it had come alone.

Lines are taken in chunks, one transaction each, through the same functions as single calls; a commit is what makes
facts durable, so sharing it is what makes a batch fast. A line that a use case refuses, or a chunk that the database
gives up on, takes its whole chunk back, and the chunk's lines then run again one by one: so nothing of a refused line
stays behind, and the others stand. Answers leave after the commit of what they answer.
"""

from __future__ import annotations

from dataclasses import dataclass
from http import HTTPStatus
from itertools import islice
from tempfile import SpooledTemporaryFile
from typing import IO, TYPE_CHECKING, Any, Final

import structlog

from app.api import auth, bodies, intake, schemas
from app.api.operations import Answer, Call, in_transaction
from app.api.problems import dump, problem, request_id
from app.identity.api_keys import Scope
from app.kernel import clock
from app.kernel.errors import RefledgerError
from app.referrals.locks import lock_order_keys

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from datetime import datetime

    from sqlalchemy.orm import Session
    from werkzeug.wrappers import Request

    from app.identity.api_keys import ApiAccess
    from app.referrals.models import Program
    from app.requests import Services

_log = structlog.get_logger(__name__)

MEDIA_TYPE: Final = "application/x-ndjson"

MAX_BATCH: Final = 16 * 1024 * 1024
"""Bytes of one batch (16 MiB)."""

CHUNK: Final = 50
"""Lines that share a transaction: enough to spread the cost of a commit, few enough that the write lock of SQLite is
held for a moment only.
"""

_IN_MEMORY: Final = 1024 * 1024
_READ: Final = 64 * 1024
_TYPES: Final = frozenset(
    {
        "",
        "application/json",
        "application/jsonl",
        "application/jsonlines",
        "application/ndjson",
        "application/octet-stream",
        "application/x-jsonlines",
        "application/x-ndjson",
        "text/plain",
    }
)


@dataclass(frozen=True)
class LineType:
    """A kind of fact in a batch."""

    scope: Scope
    model: type[Any]
    take: Callable[[Call, Any], Answer]


LINE_TYPES: Final = {
    "signup": LineType(Scope.SIGNUPS_WRITE, schemas.BatchSignup, intake.signup),
    "order": LineType(Scope.ORDERS_WRITE, schemas.BatchOrder, intake.order),
    "payment": LineType(
        Scope.ORDERS_WRITE, schemas.BatchPayment, lambda call, line: intake.payment(call, line.order_id, line)
    ),
    "correction": LineType(
        Scope.ORDERS_WRITE,
        schemas.BatchCorrection,
        lambda call, line: intake.correction(call, line.order_id, line),
    ),
    "cancellation": LineType(
        Scope.ORDERS_WRITE,
        schemas.BatchCancellation,
        lambda call, line: intake.cancellation(call, line.order_id, line),
    ),
    "refund": LineType(
        Scope.ORDERS_WRITE, schemas.BatchRefund, lambda call, line: intake.refund(call, line.order_id, line)
    ),
}


@dataclass(frozen=True)
class Line:
    """Line ``number`` (from 1) of the body: a checked fact, or already the answer that refuses it."""

    number: int
    kind: LineType | None
    fact: Any
    refusal: Answer | None = None


def spool(request: Request) -> IO[bytes]:
    """The whole body, on disk where it is large.

    It is read to its end before the first answer leaves: a client that sends all before it reads would otherwise
    wait for us while we wait for it. Raises the errors of ``bodies.py``.
    """
    if request.mimetype not in _TYPES:
        raise bodies.WrongContentType(f"the body must be application/x-ndjson, not {request.mimetype}")
    if request.content_encoding:
        raise bodies.WrongContentType("a compressed body is not read")
    # The limit of single bodies does not hold here; one byte more tells where a body without a length ends.
    request.max_content_length = MAX_BATCH + 1
    if (request.content_length or 0) > MAX_BATCH:
        raise bodies.BodyTooLarge(f"a batch has at most {MAX_BATCH} bytes")
    file: IO[bytes] = SpooledTemporaryFile(max_size=_IN_MEMORY)  # noqa: SIM115 - closed by whoever reads it
    try:
        _copy(request.stream, file)
    except BaseException:
        file.close()
        raise
    return file


def _copy(stream: IO[bytes], file: IO[bytes]) -> None:
    size = 0
    while part := stream.read(_READ):
        size += len(part)
        if size > MAX_BATCH:
            raise bodies.BodyTooLarge(f"a batch has at most {MAX_BATCH} bytes")
        file.write(part)
    if size == 0:
        raise bodies.MalformedBody("the body is empty; one JSON object a line is expected")
    file.seek(0)


def answers(file: IO[bytes], services: Services, access: ApiAccess) -> Iterator[bytes]:
    """NDJSON: for each line of ``file`` its number, status and body, in order."""
    # The body of a streamed response is made after the request's own hooks have ended.
    return _answers(file, services, access, request_id())


def _answers(file: IO[bytes], services: Services, access: ApiAccess, asked_by: str | None) -> Iterator[bytes]:
    with file, structlog.contextvars.bound_contextvars(request_id=asked_by):
        lines = _lines(file, access)
        while chunk := list(islice(lines, CHUNK)):
            yield b"".join(
                dump({"line": line.number, "status": answer.status, "body": answer.body})
                for line, answer in zip(chunk, _take(chunk, services, access), strict=True)
            )


def _lines(file: IO[bytes], access: ApiAccess) -> Iterator[Line]:
    now = clock.now()
    number = 0
    while raw := file.readline(bodies.MAX_BODY + 1):
        number += 1
        if len(raw) > bodies.MAX_BODY and not raw.endswith(b"\n"):
            _skip_line(file)
            too_long = bodies.BodyTooLarge(f"a line has at most {bodies.MAX_BODY} bytes")
            yield Line(number, None, None, _refused(too_long))
        elif raw.strip():
            yield _line(number, raw, access, now)


def _skip_line(file: IO[bytes]) -> None:
    while (rest := file.readline(_READ)) and not rest.endswith(b"\n"):
        pass


def _line(number: int, raw: bytes, access: ApiAccess, now: datetime) -> Line:
    try:
        value = bodies.parse_json(raw)
        if not isinstance(value, dict):
            raise bodies.InvalidFields([("", "must be a JSON object")])
        kind = LINE_TYPES.get(value.get("type", "")) if isinstance(value.get("type"), str) else None
        if kind is None:
            raise bodies.InvalidFields([("/type", f"must be one of {', '.join(LINE_TYPES)}")])
        auth.require_any(access, (kind.scope,))
        return Line(number, kind, bodies.validate(kind.model, value, now))
    except RefledgerError as error:
        return Line(number, None, None, _refused(error))


def _refused(error: Exception) -> Answer:
    document = problem(error)
    return Answer(document["status"], document)


def _take(chunk: list[Line], services: Services, access: ApiAccess) -> list[Answer]:
    """The answers of a chunk, committed."""
    try:
        with services.db.transaction() as session:
            program = auth.program_of(session, access, services.referrals.rulebooks)
            lock_order_keys(session, program, filter(None, map(_order_id, chunk)))
            return [line.refusal or _record(session, program, line, services, access) for line in chunk]
    except Exception:  # noqa: BLE001 - whatever a line did, it is found and answered when each runs alone
        return [line.refusal or _alone(line, services, access) for line in chunk]


def _order_id(line: Line) -> str | None:
    order_id: str | None = getattr(line.fact, "order_id", None)
    return order_id


def _record(session: Session, program: Program, line: Line, services: Services, access: ApiAccess) -> Answer:
    assert line.kind is not None  # a line without a kind is refused already
    return line.kind.take(Call(session, program, services, access, clock.now()), line.fact)


def _alone(line: Line, services: Services, access: ApiAccess) -> Answer:
    """One line in a transaction of its own, exactly as a single call."""

    def work(session: Session) -> Answer:
        program = auth.program_of(session, access, services.referrals.rulebooks)
        return _record(session, program, line, services, access)

    try:
        return in_transaction(services.db, work)
    except Exception as error:  # noqa: BLE001 - also a defect of ours in one line must not stop the others
        answer = _refused(error)
        if answer.status == HTTPStatus.INTERNAL_SERVER_ERROR:
            _log.exception("batch_line_failed", line=line.number)
        return answer
