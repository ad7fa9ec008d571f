"""Settings: the one place that reads the environment.

``Settings.from_env()`` checks every value at the start; a wrong or missing one stops the process with one line that
names the variable and what is expected. Nothing else in the house looks at ``os.environ``.
"""

from __future__ import annotations

import os
import secrets
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Final
from urllib.parse import urlsplit

from sqlalchemy.engine import make_url
from sqlalchemy.exc import ArgumentError

from app.kernel.errors import StartRefused

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

ROOT: Final = Path(__file__).resolve().parent
VIES_URL: Final = "https://ec.europa.eu/taxation_customs/vies/rest-api/check-vat-number"
KEY_BYTES: Final = 32
KEY_VARIABLES: Final = ("SECRET_KEYS", "LINK_KEYS", "ENCRYPTION_KEYS")
_LOG_LEVELS: Final = ("DEBUG", "INFO", "WARNING", "ERROR")
_ENVIRONMENTS: Final = ("development", "test", "production")


@dataclass(frozen=True)
class Settings:
    """Everything a process needs to know about its surroundings. Immutable.

    ``secret_keys``, ``link_keys`` and ``encryption_keys`` are oldest first: the last signs or seals, all verify.
    ``redis_url`` names a TCP or unix-socket Redis. ``api_rate_limit`` is requests per second and key.
    """

    app_env: str
    database_url: str
    redis_url: str
    secret_keys: tuple[str, ...]
    link_keys: tuple[str, ...]
    encryption_keys: tuple[str, ...]
    public_url: str
    default_landing_url: str
    trusted_hosts: tuple[str, ...]
    proxy_hops: int
    metrics_token: str | None
    smtp_url: str | None
    mail_from: str
    log_level: str
    port: int
    api_rate_limit: int
    var_dir: Path
    vies_url: str
    require_staff_second_factor: bool

    @property
    def production(self) -> bool:
        """Whether this is a real installation: keys are required, demo conveniences are off."""
        return self.app_env == "production"

    @property
    def secure_cookies(self) -> bool:
        """Whether cookies are Secure and ``__Host-``: where the public URL is https."""
        return self.public_url.startswith("https://")

    @classmethod
    def from_env(cls, environ: Mapping[str, str] | None = None) -> Settings:
        """Read and check the environment. Raises :class:`StartRefused` naming the first wrong variable."""
        env = _Reader(os.environ if environ is None else environ)
        app_env = env.choice("APP_ENV", _ENVIRONMENTS, "development")
        var_dir = Path(env.text("VAR_DIR", str(ROOT / "var"))).resolve()
        port = env.integer("PORT", 8000, 1, 65535)
        public_url = env.url("PUBLIC_URL", f"http://127.0.0.1:{port}", ("http", "https"))
        keys = _keys(env, var_dir, required=app_env == "production")
        return cls(
            app_env=app_env,
            database_url=env.checked(
                "DATABASE_URL",
                f"sqlite:///{var_dir / 'refledger.db'}",
                _database,
                "a SQLAlchemy URL: sqlite or postgresql",
            ),
            redis_url=env.url("REDIS_URL", f"unix://{var_dir / 'valkey.sock'}", ("redis", "rediss", "unix")),
            secret_keys=keys["SECRET_KEYS"],
            link_keys=keys["LINK_KEYS"],
            encryption_keys=keys["ENCRYPTION_KEYS"],
            public_url=public_url.rstrip("/"),
            default_landing_url=env.url("DEFAULT_LANDING_URL", public_url, ("http", "https")),
            trusted_hosts=env.words("TRUSTED_HOSTS") or _own_hosts(public_url),
            proxy_hops=env.integer("PROXY_HOPS", 0, 0, 10),
            metrics_token=env.optional("METRICS_TOKEN"),
            smtp_url=env.url("SMTP_URL", "", ("smtp", "smtps")) or None,
            mail_from=env.text(
                "MAIL_FROM", f"Refledger <no-reply@{urlsplit(public_url).hostname or 'localhost'}>"
            ),
            log_level=env.choice("LOG_LEVEL", _LOG_LEVELS, "INFO"),
            port=port,
            api_rate_limit=env.integer("API_RATE_LIMIT", 1000, 1, 1_000_000),
            var_dir=var_dir,
            vies_url=env.url("VIES_URL", VIES_URL, ("https", "http")),
            require_staff_second_factor=env.choice("REQUIRE_STAFF_SECOND_FACTOR", ("yes", "no"), "no")
            == "yes",
        )


class _Reader:
    def __init__(self, environ: Mapping[str, str]) -> None:
        self._environ = environ

    def text(self, name: str, default: str) -> str:
        return self._environ.get(name, "").strip() or default

    def optional(self, name: str) -> str | None:
        return self.text(name, "") or None

    def words(self, name: str) -> tuple[str, ...]:
        return tuple(part.strip() for part in self.text(name, "").split(",") if part.strip())

    def checked(self, name: str, default: str, valid: Callable[[str], bool], expected: str) -> str:
        value = self.text(name, default)
        if not valid(value):
            # The value may hold a password, so the line names the variable and the form, not the value.
            raise StartRefused(f"{name} is not valid: expected {expected}")
        return value

    def choice(self, name: str, choices: tuple[str, ...], default: str) -> str:
        return self.checked(name, default, choices.__contains__, f"one of {', '.join(choices)}")

    def integer(self, name: str, default: int, low: int, high: int) -> int:
        def valid(value: str) -> bool:
            return value.isascii() and value.isdecimal() and low <= int(value) <= high

        return int(self.checked(name, str(default), valid, f"a whole number from {low} to {high}"))

    def url(self, name: str, default: str, schemes: tuple[str, ...]) -> str:
        def valid(value: str) -> bool:
            if not value:
                return not default
            try:
                parts = urlsplit(value)
                return parts.scheme in schemes and bool(
                    parts.path if parts.scheme == "unix" else parts.hostname
                )
            except ValueError:
                return False

        return self.checked(
            name, default, valid, f"a URL starting with {' or '.join(f'{s}://' for s in schemes)}"
        )


def _database(value: str) -> bool:
    try:
        return make_url(value).get_backend_name() in {"sqlite", "postgresql"}
    except ArgumentError:
        return False


def _own_hosts(public_url: str) -> tuple[str, ...]:
    return tuple(dict.fromkeys([urlsplit(public_url).hostname or "", "localhost", "127.0.0.1"]))


def _keys(env: _Reader, var_dir: Path, *, required: bool) -> dict[str, tuple[str, ...]]:
    given = {name: env.words(name) for name in KEY_VARIABLES}
    for name, keys in given.items():
        if any(len(key.encode()) < KEY_BYTES for key in keys):
            raise StartRefused(
                f"{name} has a key that is too short: expected at least {KEY_BYTES} bytes each"
            )
        if required and not keys:
            raise StartRefused(
                f"{name} is missing: expected a comma list of keys, each at least {KEY_BYTES} bytes"
            )
    return {name: keys or (_kept_key(var_dir, name),) for name, keys in given.items()}


def _kept_key(var_dir: Path, name: str) -> str:
    """The key that the embedded default made once. Created exclusively, so that two first starts agree on one."""
    path = var_dir / "keys" / name.lower()
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    fresh = path.with_suffix(f".{secrets.token_hex(8)}")
    descriptor = os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "w") as file:
        file.write(secrets.token_urlsafe(48))
        file.flush()
        os.fsync(file.fileno())
    try:
        os.link(fresh, path)
    except FileExistsError:
        pass
    finally:
        fresh.unlink()
    return path.read_text().strip()
