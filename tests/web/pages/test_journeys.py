"""D.4: what became of an order, told from click to bank in words that a customer understands, in three languages."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sqlalchemy import select

from app.dashboard.locale import LANGUAGES
from app.identity.audit import Actor
from app.identity.roles import Role
from app.kernel import clock
from app.payouts.approval import approve_run
from app.payouts.files import build_files, submit_run
from app.payouts.runs import draft_run, freeze_run
from app.referrals.holds import decide_hold, hold_by_staff
from app.referrals.models import Commission, Hold, Order
from app.referrals.programs import find_program
from app.referrals.words import HoldRule
from tests.builders import at, line
from tests.db.payouts_world import camt, detail, entry
from tests.web.pages.test_bank import payout_of, upload
from tests.web.pages.test_staff import days_ago, earn, last_month

if TYPE_CHECKING:
    from tests.builders import World
    from tests.web.pages.conftest import Browser, Site

SAID = {
    "paid": {
        "en": ("You received €100.00 on 24 November 2026.", "Handed to the bank", "Booked by the bank"),
        "nl": ("Je kreeg € 100,00 op 24 november 2026.", "Aan de bank gegeven", "Geboekt door de bank"),
        "de": (
            "Sie haben 100,00 € am 24. November 2026 erhalten.",
            "An die Bank übergeben",
            "Von der Bank gebucht",
        ),
    },
    "held": {
        "en": ("€10.00 waits while someone checks this order.", "Someone of the programme looks at it."),
        "nl": ("€ 10,00 wacht terwijl iemand", "Iemand van het programma kijkt ernaar."),
        "de": ("10,00 € warten", "Jemand vom Programm sieht es sich an."),
    },
    "rejected": {
        "en": ("You receive nothing for this order: after a check it was rejected.", "contest it below"),
        "nl": ("Je krijgt niets voor deze bestelling: na controle", "betwist het dan hieronder"),
        "de": ("Sie erhalten nichts für diese Bestellung: Nach einer Prüfung", "beanstanden Sie es unten"),
    },
    "outside": {
        "en": ("no product in it earns a commission", "Mail: This product does not participate"),
        "nl": ("geen product erin levert commissie op", "Mail: Dit product doet niet mee"),
        "de": (
            "Kein Produkt darin bringt eine Provision",
            "Mail: Dieses Produkt nimmt am Programm nicht teil.",
        ),
    },
    "refunded": {
        "en": ("the customer got the money back", "The customer got money back", "€0.00 remains."),
        "nl": ("de klant kreeg het geld terug", "De klant kreeg geld terug", "Er blijft € 0,00 over."),
        "de": (
            "Der Kunde hat das Geld zurückbekommen.",
            "Der Kunde hat Geld zurückbekommen",
            "Es bleiben 0,00 €.",
        ),
    },
    "fresh": {
        "en": ("You receive €10.00 with the first payout after", "Hold period ends expected on"),
        "nl": ("Je krijgt € 10,00 met de eerste uitbetaling na", "verwacht op"),
        "de": ("Sie erhalten 10,00 € mit der ersten Auszahlung nach dem", "erwartet am"),
    },
    "unpaid": {
        "en": ("The customer has not paid yet. Once they have", "The customer pays still to come"),
        "nl": ("De klant heeft nog niet betaald.", "De klant betaalt moet nog komen"),
        "de": ("Der Kunde hat noch nicht bezahlt.", "Der Kunde bezahlt steht noch aus"),
    },
    "cancelled": {
        "en": ("it was cancelled before it was paid", "The order was cancelled"),
        "nl": ("ze is geannuleerd voordat ze was betaald", "De bestelling is geannuleerd"),
        "de": ("Sie wurde storniert, bevor sie bezahlt war", "Die Bestellung wurde storniert"),
    },
}
UNATTRIBUTED = {
    "en": ("when it was placed, the customer was not yours", "The click is older than the programme allows."),
    "nl": ("toen ze werd geplaatst, was de klant niet van jou", "De klik is ouder dan het programma"),
    "de": ("Als sie aufgegeben wurde, gehörte der Kunde nicht zu Ihnen", "Der Klick ist älter"),
}
CONTEST = {"en": "Do you see it differently?", "nl": "Zie je het anders?", "de": "Sehen Sie es anders?"}


def take_to_the_bank(site: Site) -> None:
    """Zoe's 100.00 of long ago is paid; the bank books it on 24 November 2026."""
    earn(site)
    site.account("zoe")
    deps, now = site.services.payouts, clock.now()
    maker, approver = Actor("user:usr_a"), Actor("user:usr_b")
    with deps.db.transaction() as session:
        run = draft_run(session, find_program(session, "hosting"), period=last_month(), by=maker, now=now)
    freeze_run(deps, run.id, by=maker, now=now)
    with deps.db.transaction() as session:
        approve_run(session, run.id, by=approver, now=now)
    build_files(deps, run.id, by=approver, now=now)
    submit_run(deps, run.id, by=maker, now=now)
    site.person("finance@example.org", Role.FINANCE)
    booked = entry("100.00", detail(payout_of(site).end_to_end_id, "100.00"))
    upload(site.browser("finance@example.org"), camt(booked, account="NL02ABNA0123456789"))


def tell(world: World) -> None:
    """An order of each kind, by a customer of its own who followed Zoe's link last week."""
    since = days_ago(7)
    for name in ("held", "rejected", "outside", "refunded", "fresh", "unpaid", "cancelled"):
        world.bind("zoe", f"c-{name}", since)
        sold = line(product="mail") if name == "outside" else line()
        paid = None if name in {"unpaid", "cancelled"} else since
        world.order(name, sold, customer=f"c-{name}", placed=since, paid=paid)
    world.cancel("cancelled", days_ago(6))
    world.refund("r1", "refunded", when=days_ago(6), full=True)
    for name in ("held", "rejected"):
        (commission,) = world.commissions(name)
        hold_by_staff(
            world.session,
            world.program,
            commission,
            reason="for staff only",
            by="user:usr_a",
            now=clock.now(),
        )
    (commission,) = world.commissions("rejected")
    hold = world.session.scalars(
        select(Hold).where(Hold.commission_id == commission.id, Hold.rule == HoldRule.STAFF)
    ).one()
    decide_hold(
        world.session, world.program, hold.id, release=False, reason="x", by="user:usr_a", now=clock.now()
    )
    old = world.click("zoe", at(days_ago(90)))
    world.signup("c-lost", when=since, click_ids=(old,))
    world.order("lost", customer="c-lost", placed=since, paid=since)


def in_language(browser: Browser, language: str) -> Browser:
    browser.post("/preferences", {"language": language, "next": "/dashboard"}, start="/dashboard")
    return browser


def test_every_kind_of_order_says_in_three_languages_what_became_of_it(quick_site: Site) -> None:
    site = quick_site
    take_to_the_bank(site)
    with site.world() as world:
        tell(world)
        orders = {each.order_id: each.id for each in world.session.scalars(select(Order))}
    orders["paid"] = orders["o-zoe"]
    for language in LANGUAGES:
        zoe = in_language(site.browser("zoe@example.org"), language)
        for name, said in SAID.items():
            shown = zoe.text(f"/dashboard/orders/{orders[name]}")
            for sentence in (*said[language], CONTEST[language]):
                assert sentence in shown, (language, name, shown)
            assert "for staff only" not in shown
        shown = zoe.text("/dashboard/why?q=lost")
        for sentence in (*UNATTRIBUTED[language], CONTEST[language]):
            assert sentence in shown, (language, shown)


def test_the_way_of_a_paid_order_has_every_step_in_its_order(quick_site: Site) -> None:
    take_to_the_bank(quick_site)
    with quick_site.world() as world:
        order = world.session.scalars(select(Order.id)).one()
        commission = world.session.scalars(select(Commission.id)).one()
    zoe = quick_site.browser("zoe@example.org")
    for path in (f"/dashboard/orders/{order}", f"/dashboard/commissions/{commission}"):
        told = zoe.text(path).partition("From click to bank")[2]
        steps = (
            "The customer followed your link",
            "The customer registered",
            "The customer belongs to you",
            "The customer ordered",
            "The customer paid",
            "Your commission was reckoned",
            "10% of €1,000.00 is €100.00.",
            "Hold period over",
            "In the payout for",
            "Approved",
            "Handed to the bank",
            "Booked by the bank",
        )
        places = [told.find(step) for step in steps]
        assert -1 not in places, (path, dict(zip(steps, places, strict=True)))
        assert places == sorted(places), path


def test_what_is_to_come_has_its_day_or_what_it_waits_for(quick_site: Site) -> None:
    with quick_site.world() as world:
        since = days_ago(2)
        world.bind("zoe", "c1", since)
        world.order("o1", placed=since, paid=since)
        order = world.session.scalars(select(Order.id)).one()
    zoe, path = quick_site.browser("zoe@example.org"), f"/dashboard/orders/{order}"
    assert "still to come Payouts wait until a bank account is on file." in zoe.text(path)
    quick_site.account("zoe")
    told = zoe.text(path)
    assert "Payouts start at" in told
    assert "The bank books it expected on" in told
