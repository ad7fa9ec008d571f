"""Compiled templates and compiled SQL that outlive the application and the database of one test."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from jinja2 import BytecodeCache
from sqlalchemy import create_engine

from app.identity import passwords

if TYPE_CHECKING:
    from jinja2.bccache import Bucket
    from sqlalchemy import URL, Engine


DEAR_HASHER: Final = passwords._HASHER
"""What production hashes passwords with."""


class Templates(BytecodeCache):
    """Compiled templates, in memory. A bucket's checksum is of the source: an edited one is compiled anew."""

    def __init__(self) -> None:
        self._compiled: dict[str, bytes] = {}

    def load_bytecode(self, bucket: Bucket) -> None:
        if bucket.key in self._compiled:
            bucket.bytecode_from_string(self._compiled[bucket.key])

    def dump_bytecode(self, bucket: Bucket) -> None:
        self._compiled[bucket.key] = bucket.bytecode_to_string()


class Statements:
    """Compiled SQL: engines of the same options share the dialect, by which statements are kept, and its statements."""

    def __init__(self) -> None:
        self._first: dict[str, Engine] = {}

    def create_engine(self, url: URL, **options: Any) -> Engine:
        """An engine like SQLAlchemy's own. The first of its kind connects, which fills its dialect, and lends that."""
        engine = create_engine(url, query_cache_size=5_000, **options)
        kind = f"{url.drivername} {sorted(options.items(), key=str)}"
        first = self._first.get(kind)
        if first is None:
            with engine.connect():
                self._first[kind] = engine
        else:
            engine.dialect = first.dialect
            engine._compiled_cache = first._compiled_cache
        return engine
