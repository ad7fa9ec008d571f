"""The export of a referrer as a page that people can read, in their language and without a network: one file of
HTML.

Machine names are put into words here, once for each language; what is not in the table is shown as it is.
"""

from __future__ import annotations

import io
import json
import zipfile
from datetime import datetime
from decimal import Decimal
from functools import cache
from typing import IO, TYPE_CHECKING, Any, Final, NamedTuple

from babel.dates import format_datetime
from babel.numbers import format_currency
from jinja2 import Environment, FileSystemLoader, StrictUndefined, select_autoescape

from app.kernel.money import exponent
from app.privacy.referrer_export import Section, write_json
from config import ROOT

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    from app.privacy.referrer_export import Row


class _Words(NamedTuple):
    en: str
    nl: str
    de: str


_AMOUNTS: Final = frozenset({"base", "earned", "target", "held", "amount", "available"})

TITLE: Final = _Words("Your data", "Jouw gegevens", "Ihre Daten")
MADE: Final = _Words("Made on %s (UTC).", "Gemaakt op %s (UTC).", "Erstellt am %s (UTC).")
NOTHING: Final = _Words("Nothing is kept.", "Er wordt niets bewaard.", "Es ist nichts gespeichert.")

SECTIONS: Final[Mapping[str, _Words]] = {
    "account": _Words("Account", "Account", "Konto"),
    "sessions": _Words("Where you were logged in", "Waar je was ingelogd", "Wo Sie eingeloggt waren"),
    "addresses": _Words("Changes of your address", "Wijzigingen van je adres", "Änderungen Ihrer Adresse"),
    "second_steps": _Words(
        "Second steps of logging in", "Tweede stappen bij het inloggen", "Zweite Schritte der Anmeldung"
    ),
    "networks": _Words(
        "Networks you logged in from, as hashes",
        "Netwerken van je inloggen, als hash",
        "Netzwerke Ihrer Logins, als Hash",
    ),
    "memberships": _Words("Programmes", "Programma's", "Programme"),
    "links": _Words("Links", "Links", "Links"),
    "coupons": _Words("Coupons", "Kortingscodes", "Gutscheincodes"),
    "leads": _Words("Prospects you registered", "Aangemelde prospects", "Gemeldete Interessenten"),
    "own_rates": _Words("Rates of your own", "Eigen percentages", "Eigene Sätze"),
    "clicks": _Words("Clicks per day", "Klikken per dag", "Klicks pro Tag"),
    "banner_views": _Words("Banners shown", "Getoonde banners", "Angezeigte Banner"),
    "commissions": _Words("Commissions", "Commissies", "Provisionen"),
    "reviews": _Words("Reviews", "Controles", "Prüfungen"),
    "contests": _Words("What you contested", "Wat je hebt betwist", "Was Sie beanstandet haben"),
    "teams": _Words("Teams that you are in", "Teams waar je in zit", "Teams, zu denen Sie gehören"),
    "profile": _Words("Your profile", "Jouw profiel", "Ihr Profil"),
    "directory": _Words(
        "Shown in the directory", "Te zien in het partneroverzicht", "Im Partnerverzeichnis zu sehen"
    ),
    "ratings": _Words("What customers say", "Wat klanten zeggen", "Was Kunden sagen"),
    "payouts": _Words("Payouts", "Uitbetalingen", "Auszahlungen"),
    "left_out": _Words("Runs without you", "Rondes zonder jou", "Läufe ohne Sie"),
    "bank_accounts": _Words("Bank accounts", "Rekeningnummers", "Bankverbindungen"),
    "tax_details": _Words("Tax details", "Belastinggegevens", "Steuerliche Angaben"),
    "documents": _Words("Invoices and corrections", "Facturen en correcties", "Gutschriften und Korrekturen"),
    "mails": _Words("Mails to you", "Mails aan jou", "E-Mails an Sie"),
    "trail": _Words("What was changed", "Wat er is gewijzigd", "Was geändert wurde"),
}

FIELDS: Final[Mapping[str, _Words]] = {
    "about": _Words("Number", "Nummer", "Nummer"),
    "action": _Words("What", "Wat", "Was"),
    "actor": _Words("Who", "Wie", "Wer"),
    "address_country": _Words("Country of the address", "Land van het adres", "Land der Anschrift"),
    "added_at": _Words("Since", "Sinds", "Seit"),
    "agent": _Words("Browser", "Browser", "Browser"),
    "amount": _Words("Amount", "Bedrag", "Betrag"),
    "answer": _Words("Answer", "Antwoord", "Antwort"),
    "answered_at": _Words("Answered", "Beantwoord", "Beantwortet"),
    "asked_at": _Words("Asked", "Gevraagd", "Erbeten"),
    "asset_id": _Words("Banner", "Banner", "Banner"),
    "at": _Words("When", "Wanneer", "Wann"),
    "available": _Words("Available", "Uitbetaalbaar", "Auszahlbar"),
    "available_on": _Words("Payable from", "Uitbetaalbaar vanaf", "Auszahlbar ab"),
    "base": _Words("Customer paid, net", "Klant betaalde, netto", "Kunde zahlte, netto"),
    "bic": _Words("BIC", "BIC", "BIC"),
    "blocked_reason": _Words("Blocked because", "Geblokkeerd omdat", "Gesperrt wegen"),
    "building": _Words("House number", "Huisnummer", "Hausnummer"),
    "campaign": _Words("Campaign", "Campagne", "Kampagne"),
    "closed_at": _Words("Decided", "Beslist", "Entschieden"),
    "code": _Words("Code", "Code", "Code"),
    "confirmed_at": _Words("Confirmed", "Bevestigd", "Bestätigt"),
    "content": _Words("What you wrote", "Wat je schreef", "Was Sie schrieben"),
    "count": _Words("Number", "Aantal", "Anzahl"),
    "country": _Words("Country", "Land", "Land"),
    "created_at": _Words("Made", "Gemaakt", "Angelegt"),
    "currency": _Words("Currency", "Valuta", "Währung"),
    "customer": _Words("Customer", "Klant", "Kunde"),
    "day": _Words("Day", "Dag", "Tag"),
    "details": _Words("Details", "Details", "Einzelheiten"),
    "duration": _Words("Lasts", "Duur", "Dauer"),
    "duration_months": _Words("Months", "Maanden", "Monate"),
    "earned": _Words("Earned", "Verdiend", "Verdient"),
    "email": _Words("E-mail address", "E-mailadres", "E-Mail-Adresse"),
    "email_verified_at": _Words("Confirmed", "Bevestigd", "Bestätigt"),
    "end_to_end_id": _Words("Reference", "Kenmerk", "Referenz"),
    "expires_at": _Words("Ends", "Eindigt", "Endet"),
    "facts": _Words("What it says", "Wat erin staat", "Was darin steht"),
    "flat": _Words("Fixed amount", "Vast bedrag", "Fester Betrag"),
    "held": _Words("Under review", "In controle", "In Prüfung"),
    "holder": _Words("Account holder", "Rekeninghouder", "Kontoinhaber"),
    "issued_on": _Words("Issued", "Uitgereikt", "Ausgestellt"),
    "joined_at": _Words("Joined", "Aangemeld", "Beigetreten"),
    "kind": _Words("Kind", "Soort", "Art"),
    "label": _Words("Label", "Label", "Kennzeichnung"),
    "last4": _Words("Ends in", "Eindigt op", "Endet auf"),
    "legal_name": _Words("Legal name", "Officiële naam", "Firmierung oder voller Name"),
    "level": _Words("May", "Mag", "Darf"),
    "lead_id": _Words("Prospect", "Prospect", "Interessent"),
    "locale": _Words("Language", "Taal", "Sprache"),
    "name": _Words("Name", "Naam", "Name"),
    "network": _Words("Network", "Netwerk", "Netzwerk"),
    "new_email": _Words("New address", "Nieuw adres", "Neue Adresse"),
    "number": _Words("Number", "Nummer", "Nummer"),
    "objection": _Words("What you objected to", "Jouw bezwaar", "Ihr Widerspruch"),
    "old_email": _Words("Old address", "Oud adres", "Alte Adresse"),
    "opened_at": _Words("Begun", "Begonnen", "Begonnen"),
    "paid_at": _Words("Customer paid", "Klant betaalde", "Kunde zahlte"),
    "paid_on": _Words("Paid out", "Uitbetaald", "Ausgezahlt"),
    "period": _Words("Month", "Maand", "Monat"),
    "postcode": _Words("Postcode", "Postcode", "Postleitzahl"),
    "product": _Words("Product", "Product", "Produkt"),
    "program": _Words("Programme", "Programma", "Programm"),
    "public_id": _Words("Number of the account", "Nummer van het account", "Nummer des Kontos"),
    "rate_ppm": _Words("Rate, in millionths", "Percentage, in miljoensten", "Satz, in Millionsteln"),
    "published_at": _Words("Published", "Gepubliceerd", "Veröffentlicht"),
    "reason": _Words("Reason", "Reden", "Grund"),
    "recipient": _Words("To", "Aan", "An"),
    "referrer": _Words("Your code", "Jouw code", "Ihr Code"),
    "registered_at": _Words("Registered", "Vastgelegd", "Gemeldet"),
    "rejected": _Words("Rejected", "Afgewezen", "Abgelehnt"),
    "remark": _Words("What staff said", "Wat medewerkers zeiden", "Was Mitarbeiter sagten"),
    "returned_on": _Words("Returned", "Teruggekomen", "Zurückgekommen"),
    "revoked_at": _Words("Logged out", "Uitgelogd", "Ausgeloggt"),
    "role": _Words("Role", "Rol", "Rolle"),
    "rule": _Words("Rule", "Regel", "Regel"),
    "saved_at": _Words("Saved", "Opgeslagen", "Gespeichert"),
    "scope": _Words("Holds for", "Geldt voor", "Gilt für"),
    "seen_at": _Words("Last used", "Laatst gebruikt", "Zuletzt benutzt"),
    "sent_at": _Words("Sent", "Verstuurd", "Versandt"),
    "shown_at": _Words("Written", "Geschreven", "Geschrieben"),
    "shown_signature": _Words("By", "Door", "Von"),
    "shown_stars": _Words("Stars", "Sterren", "Sterne"),
    "shown_words": _Words("In their words", "In hun woorden", "In ihren Worten"),
    "small_business_id": _Words(
        "EU small-business number", "EU-nummer kleine ondernemer", "EU-Kleinunternehmernummer"
    ),
    "source": _Words("Given by", "Opgegeven door", "Angegeben von"),
    "state": _Words("State", "Status", "Stand"),
    "status": _Words("State", "Status", "Stand"),
    "street": _Words("Street", "Straat", "Straße"),
    "subject": _Words("Of what", "Waarvan", "Wovon"),
    "submitted_at": _Words("Submitted", "Ingediend", "Eingereicht"),
    "suspensions": _Words("Times without taking part", "Tijden zonder deelname", "Zeiten ohne Teilnahme"),
    "target": _Words("Yours", "Voor jou", "Für Sie"),
    "tax_number": _Words("Tax number", "Belastingnummer", "Steuernummer"),
    "terms_accepted_at": _Words("Terms accepted", "Voorwaarden aanvaard", "Bedingungen angenommen"),
    "terms_version": _Words("Version of the terms", "Versie van de voorwaarden", "Fassung der Bedingungen"),
    "to": _Words("Leads to", "Leidt naar", "Führt zu"),
    "town": _Words("Town", "Plaats", "Ort"),
    "undone_at": _Words("Taken back", "Teruggedraaid", "Zurückgenommen"),
    "usable_on": _Words("Used from", "Gebruikt vanaf", "Benutzt ab"),
    "used_at": _Words("Last used", "Laatst gebruikt", "Zuletzt benutzt"),
    "valid_from": _Words("Holds from", "Geldt vanaf", "Gilt ab"),
    "vat_id": _Words("VAT id", "Btw-nummer", "USt-IdNr."),
    "version": _Words("Version", "Versie", "Fassung"),
    "words": _Words("In your words", "In jouw woorden", "In Ihren Worten"),
}


class _Shown(NamedTuple):
    """A section as the template draws it. ``columns`` is empty where there is no row."""

    title: str
    columns: list[str]
    rows: Iterable[list[str]]


def write_zip(sections: Sequence[Section], locale: str, now: datetime, into: IO[bytes]) -> None:
    """``data.json`` for machines and ``your-data.html`` for people, in one archive."""
    with zipfile.ZipFile(into, "w", zipfile.ZIP_DEFLATED) as archive:
        with archive.open("data.json", "w") as file, io.TextIOWrapper(file, "utf-8") as text:
            write_json(sections, text)
        with archive.open("your-data.html", "w") as file, io.TextIOWrapper(file, "utf-8") as text:
            write_html(sections, locale, now, text)


def write_html(sections: Sequence[Section], locale: str, now: datetime, into: IO[str]) -> None:
    """One page with a table for each section."""
    page = _environment().get_template("export.html")
    made = _word(MADE, locale) % format_datetime(now, "d MMMM y, HH:mm", locale=locale)
    for part in page.generate(
        language=locale,
        title=_word(TITLE, locale),
        made=made,
        nothing=_word(NOTHING, locale),
        sections=(_shown(section, locale) for section in sections),
    ):
        into.write(part)


def _shown(section: Section, locale: str) -> _Shown:
    rows = iter(section.rows())
    first = next(rows, None)
    title = _word(SECTIONS.get(section.name, _same(section.name)), locale)
    if first is None:
        return _Shown(title, [], ())
    names = list(first)
    columns = [_word(FIELDS.get(name, _same(name)), locale) for name in names]
    return _Shown(title, columns, _cells(first, rows, locale))


def _cells(first: Row, rest: Iterator[Row], locale: str) -> Iterator[list[str]]:
    yield [_cell(name, value, first, locale) for name, value in first.items()]
    for row in rest:
        yield [_cell(name, value, row, locale) for name, value in row.items()]


def _cell(name: str, value: Any, row: Row, locale: str) -> str:  # noqa: ANN401 - JSON in, words out
    if value is None or value in ([], {}):
        return ""
    if name in _AMOUNTS and "currency" in row:
        amount = Decimal(value).scaleb(-exponent(row["currency"]))
        return str(format_currency(amount, row["currency"], locale=locale))
    if name.endswith("_at") or name in {"at", "valid_from"}:
        return str(format_datetime(datetime.fromisoformat(value), "d MMM y, HH:mm", locale=locale))
    return json.dumps(value, ensure_ascii=False) if isinstance(value, dict | list | bool) else str(value)


def _word(words: _Words, locale: str) -> str:
    return str(getattr(words, locale, words.en))


def _same(name: str) -> _Words:
    return _Words(name, name, name)


@cache
def _environment() -> Environment:
    return Environment(
        loader=FileSystemLoader(ROOT / "templates" / "privacy"),
        autoescape=select_autoescape(["html"]),
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
