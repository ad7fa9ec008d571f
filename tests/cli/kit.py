"""Commands in a test: run one, read its answer, see that nothing changed."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from sqlalchemy import func, select

from app.models import metadata

if TYPE_CHECKING:
    from click.testing import Result
    from flask import Flask

    from app.services import Services

PASSWORD = "three brown foxes"
PROGRAM = (
    "programs create --slug hosting --name Hosting --currency EUR --landing-url https://shop.example/ "
    "--hold-days 0 --minimum-payout 10.00 --rate 10% --debtor-iban NL02ABNA0123456789 --bank-profile abn-amro"
).split()


@dataclass(frozen=True)
class Shell:
    """The application's commands."""

    app: Flask

    @property
    def services(self) -> Services:
        found: Services = self.app.extensions["refledger"]
        return found

    def run(self, *arguments: str, stdin: str | None = None) -> Result:
        return self.app.test_cli_runner().invoke(args=list(arguments), input=stdin)

    def ok(self, *arguments: str, stdin: str | None = None) -> str:
        done = self.run(*arguments, stdin=stdin)
        assert done.exit_code == 0, f"{done.output}{done.exception!r}"
        return done.stdout

    def json(self, *arguments: str, stdin: str | None = None) -> Any:
        return json.loads(self.ok(*arguments, "--json", stdin=stdin))

    def program(self) -> None:
        self.ok(*PROGRAM, "--debtor-name", "Shop BV")

    def staff(self, email: str, role: str) -> None:
        self.ok("users", "create", "--email", email, "--role", role, "--password-stdin", stdin=PASSWORD)

    def rows(self) -> dict[str, int]:
        """How many rows each table has."""
        with self.services.db.reading() as session:
            return {
                name: session.scalars(select(func.count()).select_from(table)).one()
                for name, table in metadata.tables.items()
            }
