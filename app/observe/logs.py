"""Structured logs: one JSON object a line on standard error, for our own events and for every library's."""

from __future__ import annotations

import logging
import re
import sys
from functools import lru_cache
from typing import TYPE_CHECKING, Final

import structlog

if TYPE_CHECKING:
    from structlog.typing import EventDict, Processor, WrappedLogger

_SECRET_NAMES: Final = (
    "authorization",
    "cookie",
    "password",
    "secret",
    "token",
    "api_key",
    "iban",
    "email",
    "key_bytes",
)
"""A field whose name contains one of these is masked, whatever it holds."""

_MASK: Final = "***"
_QUOTED: Final = re.compile(r"DETAIL:[^\n]*")


def mask_secrets(_logger: WrappedLogger, _method: str, event: EventDict) -> EventDict:
    """Replace the values of fields that may hold a secret or personal data; also one level down."""
    return {name: _masked(name, value) for name, value in event.items()}


@lru_cache(maxsize=1024)
def _is_secret(name: str) -> bool:
    lowered = name.lower()
    return any(secret in lowered for secret in _SECRET_NAMES)


def _masked(name: str, value: object) -> object:
    if _is_secret(name):
        return _MASK
    if isinstance(value, dict):
        return {inner: _masked(str(inner), held) for inner, held in value.items()}
    return value


def without_details(_logger: WrappedLogger, _method: str, event: EventDict) -> EventDict:
    """Leave out of a traceback what PostgreSQL quotes of a row that it refused ("DETAIL: Key (email)=...")."""
    if isinstance(text := event.get("exception"), str):
        event["exception"] = quoting_nobody(text)
    return event


def quoting_nobody(text: str) -> str:
    """A traceback without what PostgreSQL quotes of a row that it refused."""
    return _QUOTED.sub("DETAIL:  " + _MASK, text)


_SHARED: Final[tuple[Processor, ...]] = (
    structlog.contextvars.merge_contextvars,
    structlog.stdlib.add_log_level,
    structlog.stdlib.add_logger_name,
    structlog.processors.TimeStamper(fmt="iso", utc=True),
    structlog.processors.StackInfoRenderer(),
)


def configure(level: str) -> None:
    """Send every log line of this process, ours and the libraries', to standard error as JSON."""
    structlog.configure(
        processors=[
            structlog.stdlib.filter_by_level,
            *_SHARED,
            structlog.stdlib.ProcessorFormatter.wrap_for_formatter,
        ],
        logger_factory=structlog.stdlib.LoggerFactory(),
        wrapper_class=structlog.stdlib.BoundLogger,
        cache_logger_on_first_use=True,
    )
    formatter = structlog.stdlib.ProcessorFormatter(
        foreign_pre_chain=list(_SHARED),
        processors=[
            structlog.stdlib.ProcessorFormatter.remove_processors_meta,
            # A traceback as text names files and lines, never the values of variables.
            structlog.processors.format_exc_info,
            without_details,
            mask_secrets,
            structlog.processors.JSONRenderer(default=str),
        ],
    )
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(formatter)
    # It names the credentials of people.
    logging.getLogger("fido2").setLevel(logging.WARNING)
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(level)
