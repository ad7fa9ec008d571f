"""``flask demo``: six months of history for a machine that has none."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click
from flask.cli import with_appcontext

from app.cli.command import answer, json_option, parts, refusing
from app.kernel import clock

if TYPE_CHECKING:
    from app.services import Services

MAX_MONTHS = 24
MAX_REFERRERS = 500


class LoneCommand(click.Command):
    """A command without a group, whose every failure is one line."""

    def make_context(
        self,
        info_name: str | None,
        args: list[str],
        parent: click.Context | None = None,
        **extra: Any,  # noqa: ANN401 - as click has it
    ) -> click.Context:
        """Read the arguments."""
        with refusing():
            return super().make_context(info_name, args, parent, **extra)

    def invoke(self, ctx: click.Context) -> Any:  # noqa: ANN401 - as click has it
        """Run the command."""
        with refusing():
            return super().invoke(ctx)


@click.command("demo", cls=LoneCommand)
@click.option("--months", type=click.IntRange(1, MAX_MONTHS), default=6, show_default=True, metavar="N")
@click.option(
    "--referrers",
    type=click.IntRange(6, MAX_REFERRERS),
    default=40,
    show_default=True,
    metavar="N",
    help="How many, partners included.",
)
@click.option("--seed", type=int, default=1, show_default=True, help="The same seed makes the same history.")
@json_option
@with_appcontext
def demo(months: int, referrers: int, seed: int, as_json: bool) -> None:
    """Load two programmes with plausible history, once, and print who can log in.

    An interrupted call is taken up by the next one. Refused in production and in a database that has
    programmes.
    """
    from app.demo.telling import DemoPlan, is_told, logins_text, move_shop, tell  # noqa: PLC0415 - no other command needs it

    services: Services = parts()
    told = is_told(services)
    plan = DemoPlan(months, referrers, seed, services.settings.default_landing_url, clock.now())
    if told:
        move_shop(services, plan.shop_url, plan.now)
    else:
        tell(services, plan, lambda line: click.echo(line, err=True))
    first = "The demo is here already." if told else f"Told {months} months of history."
    answer(as_json, {"loaded": not told}, first, logins_text())
