"""The directory on both databases: who is shown, who may say what of whom, and what goes when somebody goes."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import TYPE_CHECKING, Any

import pytest
from sqlalchemy import func, select

from app.directory import keeping, profiles, queries, ratings, reports
from app.directory.domain.profile import Content
from app.directory.domain.states import NotThatWay, ProfileState, RatingState, ReportedPart
from app.directory.errors import (
    AnswerClosed,
    ChangedMeanwhile,
    ExpertiseThere,
    NeverTheirPartner,
    NoDirectory,
    NothingShown,
    NotListed,
    OwnRating,
    RatingNotFound,
)
from app.directory.forgetting import forget_partner, forget_refused, forget_reports
from app.directory.models import Listing, ListingTerm, Profile, Rating, RatingReport
from app.directory.queries import Order, Wanted
from app.directory.ratings import Said
from app.directory.reports import MOST_OPEN, ReportDecided
from app.identity.models import AuditEvent
from app.privacy.customer_erasure import erase_customer
from app.privacy.customer_export import customer_export
from app.referrals.models import Customer
from app.referrals.outcome import CREATED, REPEATED
from app.referrals.referrers import reinstate, suspend
from tests.builders import ACTOR, NOW, World

if TYPE_CHECKING:
    from sqlalchemy.orm import Session

ABOUT = Content(
    name="Ada & Co",
    tagline="We send letters",
    about="Newsletters since 2011.",
    languages=("nl", "de"),
    country="NL",
    price_band="low",
)


class Place:
    """A programme with an open directory, two kinds of expertise, and short ways to fill it."""

    def __init__(self, session: Session) -> None:
        self.session, self.world = session, World.build(session)
        self.program = self.world.program
        keeping.set_directory(session, self.program, is_open=True, actor=ACTOR, now=NOW)
        self.text = self.expertise("Copywriting")
        self.design = self.expertise("Design")

    def expertise(self, name: str) -> int:
        names = keeping.Names(name, name, name)
        return keeping.add_expertise(self.session, self.program, names, actor=ACTOR, now=NOW)

    def save(self, code: str, **fields: Any) -> Profile:
        who = self.world.referrers[code]
        content = replace(ABOUT, **{"name": code.title(), "expertise": (self.text,), **fields})
        profiles.save_profile(self.session, who, content, actor=ACTOR, now=NOW)
        return self.session.get_one(Profile, who.id)

    def publish(self, code: str, **fields: Any) -> None:
        profile, who = self.save(code, **fields), self.world.referrers[code]
        profiles.submit_profile(self.session, who, actor=ACTOR, now=NOW)
        profiles.publish_profile(self.session, self.program, who.code, profile.revision, actor=ACTOR, now=NOW)

    def customer(self, customer: str = "c1") -> Customer:
        return self.session.scalars(select(Customer).where(Customer.customer_id == customer)).one()

    def rate(self, name: str, stars: int = 5, words: str = "Very good.", customer: str = "c1") -> Rating:
        code = self.world.referrers[name].code
        ratings.record_rating(
            self.session, self.program, self.customer(customer), code, Said(stars, words), now=NOW
        )
        who = self.world.referrers[name].id
        found = ratings.rating_by(self.session, self.customer(customer).id, who)
        assert found is not None
        return found

    def show(self, rating: Rating) -> None:
        ratings.show_rating(
            self.session, self.program, rating.rating_id, rating.revision, actor=ACTOR, now=NOW
        )

    def found(self, **wanted: Any) -> list[str]:
        rows = queries.find_partners(self.session, self.program.id, Wanted(**wanted))
        assert queries.count_partners(self.session, self.program.id, Wanted(**wanted)) == len(rows)
        return [row.referrer.code.partition("-")[0] for row in rows]

    def listing(self, name: str) -> Listing:
        return self.session.get_one(Listing, self.world.referrers[name].id)

    def shown_name(self, name: str) -> str:
        return str(self.listing(name).content["name"])


@pytest.fixture
def place(session: Session) -> Place:
    return Place(session)


def test_what_the_public_sees_changes_only_when_staff_let_it_through(place: Place) -> None:
    code = place.world.referrers["ada"].code
    place.save("ada")
    assert place.found() == []
    place.publish("ada")
    assert place.found() == ["ada"]
    changed = place.save("ada", name="Ada Renamed")
    assert (changed.state, place.shown_name("ada")) == (ProfileState.DRAFT, "Ada")
    who = place.world.referrers["ada"]
    profiles.submit_profile(place.session, who, actor=ACTOR, now=NOW)
    profiles.return_profile(
        place.session, place.program, code, changed.revision, "Too short", actor=ACTOR, now=NOW
    )
    assert (changed.state, changed.remark, place.shown_name("ada")) == (
        ProfileState.RETURNED,
        "Too short",
        "Ada",
    )
    place.publish("ada", name="Ada Renamed twice")
    assert (place.shown_name("ada"), place.found(search="twi REN")) == ("Ada Renamed twice", ["ada"])
    assert place.found(search="sliver") == []


def test_staff_cannot_let_words_through_that_they_did_not_read(place: Place) -> None:
    who = place.world.referrers["ada"]
    read = place.save("ada").revision
    profiles.submit_profile(place.session, who, actor=ACTOR, now=NOW)
    place.save("ada", about="Something else")
    profiles.submit_profile(place.session, who, actor=ACTOR, now=NOW)
    with pytest.raises(ChangedMeanwhile):
        profiles.publish_profile(place.session, place.program, who.code, read + 1, actor=ACTOR, now=NOW)
    profile = place.session.get_one(Profile, who.id)
    profiles.publish_profile(place.session, place.program, who.code, profile.revision, actor=ACTOR, now=NOW)
    with pytest.raises(NotThatWay):
        profiles.publish_profile(
            place.session, place.program, who.code, profile.revision, actor=ACTOR, now=NOW
        )


def test_saving_the_same_twice_changes_nothing_and_the_trail_holds_no_words(place: Place) -> None:
    place.publish("ada")
    first = place.session.get_one(Profile, place.world.referrers["ada"].id).revision
    assert place.save("ada").revision == first
    wanted = select(AuditEvent).where(AuditEvent.action.like("profile.%")).order_by(AuditEvent.id)
    trail = place.session.scalars(wanted).all()
    assert [event.action for event in trail] == ["profile.saved", "profile.submitted", "profile.published"]
    assert "letters" not in str([event.details for event in trail])


def test_a_suspended_partner_and_a_closed_directory_are_not_there(place: Place) -> None:
    place.publish("ada")
    ada = place.world.referrers["ada"]
    suspend(place.session, place.program, ada, reason="x", actor=ACTOR, now=NOW)
    assert place.found() == []
    with pytest.raises(NotListed):
        queries.listed_partner(place.session, place.program.id, ada.code)
    later = NOW + timedelta(hours=1)
    reinstate(place.session, place.program, ada, reason="y", actor=ACTOR, now=later)
    assert place.found() == ["ada"]
    profiles.hide_profile(place.session, ada, actor=ACTOR, now=later)
    assert place.found() == []
    assert place.session.scalar(select(func.count()).select_from(ListingTerm)) == 0
    keeping.set_directory(place.session, place.program, is_open=False, actor=ACTOR, now=later)
    with pytest.raises(NoDirectory):
        queries.open_program(place.session, place.program.slug)


def test_partners_are_found_by_what_they_say_of_themselves(place: Place) -> None:
    place.publish("ada")
    place.publish(
        "bob", expertise=(place.text, place.design), languages=("en",), country="DE", price_band="high"
    )
    assert place.found(order=Order.NAME) == ["ada", "bob"]
    assert place.found(expertise=place.design) == ["bob"]
    assert place.found(language="de") == ["ada"]
    assert place.found(country="DE", price_band="high", search="newsl") == ["bob"]
    assert place.found(country="DE", language="nl") == []
    assert (place.found(search="!"), place.found(search="%"), place.found(search="bo")) == ([], [], ["bob"])
    offered = queries.offered(place.session, place.program.id)
    assert (sorted(offered.languages), sorted(offered.countries)) == (["de", "en", "nl"], ["DE", "NL"])
    keeping.retire_expertise(place.session, place.program, place.design, actor=ACTOR, now=NOW)
    assert place.found(expertise=place.design) == ["bob"]
    with pytest.raises(ExpertiseThere):
        place.expertise("Copywriting")
    assert place.expertise("Design") == place.design


def test_the_list_goes_on_where_the_page_before_ended(place: Place) -> None:
    names = [f"p{number}" for number in range(5)]
    for name in names:
        place.world.join(name)
        place.publish(name)
    for order in Order:
        seen: list[str] = []
        while True:
            after = f"{seen[-1]}-hosting" if seen else ""
            rows = queries.find_partners(
                place.session, place.program.id, Wanted(order=order, after=after), limit=2
            )
            if not rows:
                break
            seen += [row.referrer.code.partition("-")[0] for row in rows]
        assert sorted(seen) == names
        assert order is Order.RATING or seen == names


def test_only_who_has_or_had_the_partner_rates_them_and_once(place: Place) -> None:
    place.publish("ada")
    place.publish("bob")
    place.world.choose("ada", when="2026-10-01")
    place.world.choose("bob", when="2026-10-05")
    place.world.choose("bob", "c2", when="2026-10-05")
    assert place.rate("ada", 4).state is RatingState.WAITING
    assert place.rate("bob", 2).stars == 2
    with pytest.raises(NeverTheirPartner):
        place.rate("ada", customer="c2")
    said = Said(4, "Very good.")
    ada = place.world.referrers["ada"]
    again = (place.session, place.program, place.customer(), ada.code)
    assert ratings.record_rating(*again, said, now=NOW) is REPEATED
    assert ratings.record_rating(*again, replace(said, stars=3), now=NOW) is CREATED
    assert place.session.scalar(select(func.count()).select_from(Rating)) == 2
    place.customer().email_key = ada.email_key
    place.session.flush()
    with pytest.raises(OwnRating):
        ratings.record_rating(*again, said, now=NOW)


def test_a_rating_counts_when_staff_let_it_through_and_an_edited_one_keeps_its_old_words_till_then(
    place: Place,
) -> None:
    for name in ("ada", "bob"):
        place.publish(name)
    place.world.choose("ada")
    place.world.choose("ada", "c2")
    rating = place.rate("ada", 5)
    assert (place.listing("ada").rating_count, place.found()) == (0, ["bob", "ada"])
    place.show(rating)
    place.show(place.rate("ada", 4, customer="c2"))
    listing = place.listing("ada")
    assert (listing.rating_total, listing.rating_count, place.found()) == (9, 2, ["ada", "bob"])
    read = rating.revision
    place.rate("ada", 1, "Changed my mind.")
    assert (rating.state, rating.shown_stars, listing.rating_total) == (RatingState.WAITING, 5, 9)
    with pytest.raises(ChangedMeanwhile):
        ratings.show_rating(place.session, place.program, rating.rating_id, read, actor=ACTOR, now=NOW)
    ratings.refuse_rating(
        place.session, place.program, rating.rating_id, rating.revision, "Insult", actor=ACTOR, now=NOW
    )
    assert (rating.state, rating.shown_words, listing.rating_total) == (RatingState.REFUSED, "Very good.", 9)
    place.show(place.rate("ada", 1, "Not so good."))
    assert (rating.shown_words, listing.rating_total) == ("Not so good.", 5)


def test_the_partner_answers_what_is_shown_and_staff_decide_what_is_reported(place: Place) -> None:
    place.publish("ada")
    place.world.choose("ada")
    ada, bob = place.world.referrers["ada"], place.world.referrers["bob"]
    rating = place.rate("ada", 1, "Never again.")
    with pytest.raises(NothingShown):
        ratings.answer_rating(place.session, ada, rating.rating_id, "Sorry", actor=ACTOR, now=NOW)
    place.show(rating)
    with pytest.raises(RatingNotFound):
        ratings.answer_rating(place.session, bob, rating.rating_id, "Ha", actor=ACTOR, now=NOW)
    for words in ("Liar", "You liar"):
        ratings.answer_rating(place.session, ada, rating.rating_id, words, actor=ACTOR, now=NOW)
    assert rating.answer == "You liar"
    for number in [0, 0, *range(MOST_OPEN + 2)]:
        reason = f"An insult {number}"
        reports.report_rating(place.session, ada, rating.rating_id, ReportedPart.ANSWER, reason, now=NOW)
    reports.report_rating(place.session, ada, rating.rating_id, ReportedPart.RATING, "Untrue", now=NOW)
    made = place.session.scalars(select(RatingReport).order_by(RatingReport.id)).all()
    assert len(made) == MOST_OPEN + 1
    decide: dict[str, Any] = {"actor": ACTOR, "now": NOW}
    reports.uphold_report(place.session, place.program, made[0].report_id, "Insult", **decide)
    with pytest.raises(ReportDecided):
        reports.dismiss_report(place.session, place.program, made[1].report_id, **decide)
    assert [rating.answer, rating.shown_stars] == [None, 1]
    with pytest.raises(AnswerClosed):
        ratings.answer_rating(place.session, ada, rating.rating_id, "Again", actor=ACTOR, now=NOW)
    reports.uphold_report(place.session, place.program, made[-1].report_id, "Untrue", **decide)
    listing = place.listing("ada")
    assert [rating.shown_at, rating.remark, listing.rating_count] == [None, "Untrue", 0]
    with pytest.raises(NothingShown):
        reports.report_rating(place.session, ada, rating.rating_id, ReportedPart.RATING, "x", now=NOW)


def test_an_erased_customer_leaves_their_stars_and_none_of_their_words(place: Place) -> None:
    for name in ("ada", "bob"):
        place.publish(name)
        place.world.choose(name, when=f"2026-10-0{1 if name == 'ada' else 5}")
    shown = place.rate("ada", 4, "My name is Carla.")
    place.show(shown)
    place.rate("bob", 2, "Bob never called Carla back.")
    ada = place.world.referrers["ada"]
    ratings.answer_rating(place.session, ada, shown.rating_id, "Thank you, Carla", actor=ACTOR, now=NOW)
    reports.report_rating(place.session, ada, shown.rating_id, ReportedPart.RATING, "Carla lies", now=NOW)
    told = customer_export(place.session, place.program, place.customer())
    assert [row["shown_stars"] for row in told["ratings"]] == [4, None]
    customer = place.customer()
    for _twice in range(2):
        erase_customer(place.session, place.program, "c1", NOW, actor=ACTOR)
    [left] = place.session.scalars(select(Rating)).all()
    assert [left.shown_stars, left.answer, place.listing("ada").rating_total] == [4, None, 4]
    assert "Carla" not in str([left.words, left.shown_words, left.signature, left.remark])
    assert place.session.scalar(select(func.count()).select_from(RatingReport)) == 0
    with pytest.raises(NeverTheirPartner):
        ratings.record_rating(place.session, place.program, customer, ada.code, Said(1, "Again"), now=NOW)


def test_a_partner_who_goes_takes_profile_and_ratings_along(place: Place) -> None:
    place.publish("ada")
    place.world.choose("ada")
    rating = place.rate("ada")
    place.show(rating)
    ada = place.world.referrers["ada"]
    reports.report_rating(place.session, ada, rating.rating_id, ReportedPart.RATING, "x", now=NOW)
    forget_partner(place.session, ada.id)
    for model in (Profile, Listing, ListingTerm, Rating, RatingReport):
        assert place.session.scalar(select(func.count()).select_from(model)) == 0, model


def test_what_staff_refused_goes_after_its_time_and_what_is_shown_stays(place: Place) -> None:
    place.publish("ada")
    place.world.choose("ada")
    place.world.choose("ada", "c2")
    kept, gone = place.rate("ada", 5, "Fine."), place.rate("ada", 1, "Rude", "c2")
    place.show(kept)
    ada = place.world.referrers["ada"]
    reports.report_rating(place.session, ada, kept.rating_id, ReportedPart.RATING, "Untrue", now=NOW)
    [report] = place.session.scalars(select(RatingReport)).all()
    reports.dismiss_report(place.session, place.program, report.report_id, actor=ACTOR, now=NOW)
    place.rate("ada", 1, "Ruder")
    for each in (kept, gone):
        ratings.refuse_rating(
            place.session, place.program, each.rating_id, each.revision, "No", actor=ACTOR, now=NOW
        )
    session, later = place.session, NOW + timedelta(seconds=1)
    assert [forget_refused(session, NOW, 10), forget_reports(session, NOW, 10)] == [0, 0]
    session.flush()
    assert [forget_refused(session, later, 10) for _run in range(3)] == [1, 1, 0]
    assert [forget_reports(session, later, 10) for _run in range(2)] == [1, 0]
    session.expire_all()
    [left] = session.scalars(select(Rating)).all()
    assert [left.state, left.words, left.shown_words] == [RatingState.SHOWN, "Fine.", "Fine."]
