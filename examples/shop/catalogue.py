"""What the shop sells, and which programme each product is reported to. Prices are net, in cents."""

from __future__ import annotations

from dataclasses import dataclass

from examples.shop.settings import DIRECTORY, HOSTING


@dataclass(frozen=True)
class Product:
    """One article. `per` says what the price is for."""

    sku: str
    name: str
    words: str
    price_minor: int
    per: str
    programme: str


PRODUCTS = {
    product.sku: product
    for product in (
        Product("web-start", "Web hosting Start", "One site, 10 GB, daily backups.", 6000, "year", HOSTING),
        Product("web-pro", "Web hosting Pro", "Ten sites, 100 GB, staging.", 18000, "year", HOSTING),
        Product("vps-4", "Virtual server", "4 cores, 8 GB, your own root.", 2400, "month", HOSTING),
        Product("mailbox", "Mailbox", "25 GB of mail on your domain.", 2400, "year", HOSTING),
        Product("domain", "Domain name", ".nl, .de or .eu, with DNS.", 900, "year", HOSTING),
        Product("migration", "Moving service", "We move your site for you.", 9500, "once", HOSTING),
        Product("studio-s", "Newsletter Studio S", "Up to 5,000 contacts.", 2900, "month", DIRECTORY),
        Product("studio-l", "Newsletter Studio L", "Up to 50,000 contacts.", 9900, "month", DIRECTORY),
    )
}
CURRENCY = "EUR"
METHODS = {"card": "Card", "ideal": "iDEAL", "direct_debit": "Direct debit", "transfer": "Bank transfer"}


def of_programme(programme: str) -> list[Product]:
    """The products that are reported to one programme, in shop order."""
    return [product for product in PRODUCTS.values() if product.programme == programme]


@dataclass(frozen=True)
class Profile:
    """A partner in the directory. `code` is the partner's referrer code in Refledger."""

    code: str
    name: str
    town: str
    expertise: str
    price: str
    words: str


PARTNERS = {
    profile.code: profile
    for profile in (
        Profile("studio-noord", "Studio Noord", "Groningen", "Retail, loyalty", "from 85 an hour",
                "Sets up newsletters that shops can keep running themselves."),
        Profile("briefwerk", "Briefwerk", "Hamburg", "Publishing, B2B", "from 95 an hour",
                "Editorial newsletters in German and English, with a calm hand."),
        Profile("mailmeisters", "Mailmeisters", "Utrecht", "Events, ticketing", "from 75 an hour",
                "Invitations, reminders and follow-ups that arrive on time."),
        Profile("klartext", "Klartext Studio", "Leipzig", "Associations, non-profit", "from 70 an hour",
                "Plain words for clubs and foundations."),
        Profile("de-lijst", "De Lijst", "Gent", "Web shops", "from 80 an hour",
                "Segments, flows and a report that a shop owner can read."),
        Profile("postkutsche", "Postkutsche", "Wien", "Travel, hotels", "from 90 an hour",
                "Letters before and after the stay."),
    )
}  # fmt: skip
