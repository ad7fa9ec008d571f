"""The demo's two programmes: a hosting company's, and a partner directory's."""

from __future__ import annotations

from dataclasses import dataclass, field

from app.demo.cast import DIRECTORY, HOSTING, dutch_iban


@dataclass(frozen=True, slots=True)
class ProductPlan:
    """A product and its rate in the words of the command line; ``rate`` None: no rate of its own."""

    sku: str
    name: str
    rate: str | None = None
    duration: str = "lifetime"
    kinds: tuple[str, ...] = ("new", "renewal", "upgrade", "addon")


@dataclass(frozen=True, slots=True)
class ProgramPlan:
    """A programme's settings; ``landing_path`` is a page of the demo shop."""

    slug: str
    name: str
    landing_path: str
    approval: str
    hold_days: int
    minimum_minor: int
    payout_day: int
    debtor_name: str
    debtor_iban: str
    rate: str | None = None
    products: tuple[ProductPlan, ...] = field(default=())


PROGRAMS = (
    ProgramPlan(
        slug=HOSTING,
        name="Korenhof Partner Programme",
        landing_path="/",
        approval="automatic",
        hold_days=0,
        minimum_minor=1_000,
        payout_day=2,
        debtor_name="Korenhof Hosting B.V.",
        debtor_iban=dutch_iban(900),
        products=(
            ProductPlan("web-start", "Web hosting Start", "20%", kinds=("new",)),
            ProductPlan("web-pro", "Web hosting Pro", "15%"),
            ProductPlan("vps-4", "Virtual server", "10%", duration="12m"),
            ProductPlan("mailbox", "Mailbox", "5.00", duration="first_order"),
            ProductPlan("domain", "Domain name"),
            ProductPlan("migration", "Moving service", "none"),
        ),
    ),
    ProgramPlan(
        slug=DIRECTORY,
        name="Newsletter Studio Partners",
        landing_path="/studio",
        approval="two",
        hold_days=30,
        minimum_minor=2_500,
        payout_day=5,
        debtor_name="Korenhof Software B.V.",
        debtor_iban=dutch_iban(901),
        rate="10%",
        products=(
            ProductPlan("studio-s", "Newsletter Studio S"),
            ProductPlan("studio-l", "Newsletter Studio L"),
        ),
    ),
)
