"""What the demo's partners say of themselves, and what their customers say of them. Words only."""

from __future__ import annotations

from typing import Final

from app.directory.domain.profile import Case, Content
from app.directory.keeping import Names
from app.directory.ratings import Said

EXPERTISES: Final = (
    Names("Copywriting", "Tekstschrijven", "Texten"),
    Names("Design of templates", "Ontwerp van sjablonen", "Gestaltung von Vorlagen"),
    Names("Webshops", "Webshops", "Onlineshops"),
    Names("Clubs and charities", "Verenigingen en goede doelen", "Vereine und Stiftungen"),
    Names("Automation", "Automatisering", "Automatisierung"),
    Names("Privacy and consent", "Privacy en toestemming", "Datenschutz und Einwilligung"),
    Names("Training", "Training", "Schulung"),
)
"""The list that staff keep; a partner's are given by their place in it."""

PROFILES: Final = {
    "studio-noord": (
        Content(
            name="Studio Noord",
            tagline="Nieuwsbrieven die mensen uitlezen",
            about=(
                "Wij zijn met z'n drieën en schrijven al twaalf jaar nieuwsbrieven voor winkels en makers in het "
                "noorden.\n\nWe beginnen met een gesprek van een uur, aan jouw tafel of op het scherm. Daarna weet "
                "je wat je kunt vertellen, hoe vaak, en wie het schrijft: wij, jij, of samen."
            ),
            languages=("nl", "en"),
            country="NL",
            price_band="middle",
            prices="Eerste gesprek gratis.\nEen nieuwsbrief vanaf 240 euro, een jaar lang elke maand 210 euro.",
            website="https://studionoord.example/",
            cases=(
                Case(
                    "Fietsenmaker in Groningen",
                    "Van twee keer per jaar een folder naar elke maand een brief over één fiets. Na een half jaar "
                    "kwam een op de vijf bestellingen uit de mail.",
                ),
                Case("Theater de Kade", "Een agenda die zichzelf vult, en een brief die iemand schrijft."),
            ),
        ),
        (0, 2, 6),
    ),
    "briefwerk": (
        Content(
            name="Briefwerk",
            tagline="Vorlagen, die in jedem Postfach gut aussehen",
            about=(
                "Gestaltung und Technik aus einer Hand. Wir bauen Vorlagen, die in Outlook von 2016 genauso lesbar "
                "sind wie auf dem Telefon, und zeigen Ihrem Team, wie man sie füllt."
            ),
            languages=("de", "en"),
            country="DE",
            price_band="high",
            prices="Eine Vorlage ab 1.200 Euro, mit Schulung und einem Jahr Pflege.",
            website="https://briefwerk.example/arbeiten",
            cases=(Case("Stadtbibliothek", "Sechs Zweigstellen, eine Vorlage, jede mit eigener Farbe."),),
        ),
        (1, 5),
    ),
    "mailmeisters": (
        Content(
            name="Mailmeisters",
            tagline="De webshop en de mail praten met elkaar",
            about=(
                "Wij koppelen je winkel aan je mail: het verlaten mandje, de verjaardag, het tweede paar. Alles met "
                "toestemming, en met een knop om ermee te stoppen die werkt."
            ),
            languages=("nl", "de"),
            country="NL",
            price_band="middle",
            prices="95 euro per uur; een koppeling kost meestal acht tot twaalf uur.",
            website="https://mailmeisters.example/",
            cases=(Case("Koffiebrander", "Wie zijn bonen bijna op heeft, krijgt een brief. Niet eerder."),),
        ),
        (2, 4, 5),
    ),
    "klartext": (
        Content(
            name="Klartext Studio",
            tagline="Wir schreiben, was Sie meinen",
            about="Texte für Vereine, Praxen und kleine Betriebe. Ohne Fachwörter, mit einem Lektorat.",
            languages=("de",),
            country="AT",
            price_band="low",
            prices="Eine Ausgabe ab 150 Euro.",
            cases=(),
        ),
        (0, 3),
    ),
    "de-lijst": (
        Content(
            name="De Lijst",
            tagline="Voor verenigingen en goede doelen",
            about=(
                "Ledenlijsten opschonen, toestemming opnieuw vragen, en een brief waar mensen op wachten. Voor goede "
                "doelen werken we tegen kostprijs."
            ),
            languages=("nl", "fr"),
            country="BE",
            price_band="low",
            prices="60 euro per uur, goede doelen 40 euro.",
            website="https://delijst.example/",
            cases=(Case("Voedselbank", "1.900 leden, 74 procent opent de brief."),),
        ),
        (3, 5),
    ),
    "postkutsche": (
        Content(
            name="Postkutsche",
            tagline="Automatische Strecken, die keiner für automatisch hält",
            about="Begrüßung, Erinnerung, Rückgewinnung: wir planen die Wege und messen, was sie bringen.",
            languages=("de", "en", "da"),
            country="DE",
            price_band="high",
            prices="Nach Aufwand, 140 Euro die Stunde.",
            website="https://postkutsche.example/",
            cases=(),
        ),
        (4, 6),
    ),
}
"""Content and the places of its expertises, by code."""

SAID: Final = (
    Said(
        5,
        "Binnen een week stond onze eerste brief klaar. Duidelijk, snel, en eerlijk over de prijs.",
        "Bakkerij Molenaar",
    ),
    Said(4, "Sehr gute Vorlage, die Einarbeitung hätte etwas länger sein dürfen.", "Praxis am Park"),
    Said(5, "They listened first. We now send half as many letters and sell more."),
    Said(3, "Goed werk, maar het duurde langer dan afgesproken.", "Fietshuis Zuid"),
    Said(5, "Endlich versteht unser Verein seine eigenen Mails.", "Ruderclub Ost"),
    Said(4, "Prettig contact, ook buiten kantooruren bereikbaar."),
    Said(2, "Wij hadden meer hulp bij het inrichten verwacht.", "Atelier Linde"),
)
"""What customers say, in turn."""

ANSWERS: Final = {
    3: "Dank voor je eerlijke woorden. De vertraging lag bij ons; sindsdien plannen we een week extra in.",
    2: "Jammer dat te lezen. Het inrichten zit sinds dit najaar in de prijs; bel ons, dan doen we dat alsnog.",
}
"""What the partner answers to so many stars."""

THANKS: Final = "Dank je wel, fijn om te lezen. Tot de volgende brief!"
REPORTED: Final = "Dit gaat over een andere partner, wij waren er zelf bij."
CHANGED: Final = "Nieuwsbrieven die mensen uitlezen, nu ook in het Fries"
"""The tagline that waits for staff."""
