"""Passkeys, answered by a device made of software."""

from __future__ import annotations

import json
from datetime import timedelta
from typing import TYPE_CHECKING, Any

import pytest
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from fido2.cose import ES256
from fido2.utils import websafe_decode, websafe_encode
from fido2.webauthn import (
    Aaguid,
    AttestationObject,
    AttestedCredentialData,
    AuthenticatorData,
    CollectedClientData,
)
from sqlalchemy import select, update

from app.identity.models import Passkey, RecoveryCode, User, UserSession
from app.identity.passkeys import PasskeyParty
from app.kernel import clock
from app.mail.models import MailKind
from tests.web.pages.conftest import PASSWORD, Browser, open_site
from tests.web.pages.test_addresses import CHANGE, mailed
from tests.web.pages.test_security import CODE, HOME, ZOE

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from werkzeug.test import TestResponse

    from config import Settings
    from tests.web.pages.conftest import Site

ORIGIN = "http://localhost"
NEW = "/account/passkeys/new"


class Device:
    """What a phone does: makes a key, and signs with it."""

    def __init__(self, origin: str = ORIGIN, flags: int = 0x05) -> None:
        self.key = ec.generate_private_key(ec.SECP256R1())
        self.id, self.count, self.origin, self.flags = b"device-%d" % id(self), 1, origin, flags

    def _told(self, kind: str, options: dict[str, Any]) -> CollectedClientData:
        return CollectedClientData.create(kind, websafe_decode(options["challenge"]), self.origin)

    def _data(self, rp: str, made: bytes = b"") -> AuthenticatorData:
        hashed = hashes.Hash(hashes.SHA256())
        hashed.update(rp.encode())
        flags = AuthenticatorData.FLAG(self.flags | (0x40 if made else 0))
        data: AuthenticatorData = AuthenticatorData.create(hashed.finalize(), flags, self.count, made)
        return data

    def make(self, options: Any) -> str:
        told = self._told("webauthn.create", options)
        public = ES256.from_cryptography_key(self.key.public_key())  # type: ignore[no-untyped-call]
        made = AttestedCredentialData.create(Aaguid(bytes(16)), self.id, public)
        attested = AttestationObject.create("none", self._data(options["rp"]["id"], made), {})
        response = {"clientDataJSON": websafe_encode(told), "attestationObject": websafe_encode(attested)}
        return self._answer(response)

    def show(self, options: Any) -> str:
        self.count += 1
        told, data = self._told("webauthn.get", options), self._data(options["rpId"])
        signed = self.key.sign(bytes(data) + told.hash, ec.ECDSA(hashes.SHA256()))
        return self._answer(
            {
                "clientDataJSON": websafe_encode(told),
                "authenticatorData": websafe_encode(data),
                "signature": websafe_encode(signed),
                "userHandle": None,
            }
        )

    def _answer(self, response: dict[str, Any]) -> str:
        return json.dumps(
            {
                "rawId": websafe_encode(self.id),
                "type": "public-key",
                "clientExtensionResults": {},
                "response": response,
            }
        )


@pytest.fixture
def named(make_settings: Callable[..., Settings], sqlite_url: str, valkey_url: str) -> Iterator[Site]:
    """A site that devices accept: it has a name."""
    yield from open_site(make_settings(DATABASE_URL=sqlite_url, REDIS_URL=valkey_url, PUBLIC_URL=ORIGIN))


def enrol(browser: Browser, device: Device, name: str = "Phone") -> TestResponse:
    options = browser.post("/account/passkeys/options", start=HOME).json
    return browser.post(NEW, {"name": name, "passkey": device.make(options)}, start=NEW)


def log_in(site: Site, device: Device) -> tuple[Browser, TestResponse]:
    browser = site.browser()
    options = browser.post("/login/passkey/options").json
    return browser, browser.post("/login/passkey?next=/dashboard/security", {"passkey": device.show(options)})


def test_a_passkey_logs_in_alone_and_makes_the_password_alone_too_little(named: Site) -> None:
    browser, elsewhere, phone = named.browser(ZOE), named.browser(ZOE), Device()
    made = enrol(browser, phone)
    assert len(CODE.findall(made.text)) == 10, "recovery codes, for when the phone is lost"
    assert elsewhere.get(HOME).status_code == 302
    fresh, answer = log_in(named, phone)
    assert answer.headers["Location"] == HOME
    assert "Phone" in fresh.text(HOME)
    half = named.browser()
    assert (
        half.post("/login", {"email": ZOE, "password": PASSWORD})
        .headers["Location"]
        .startswith("/login/code")
    )
    codes = CODE.findall(made.text)
    assert half.post("/login/code", {"code": codes[0]}, start="/login/code").status_code == 302
    with named.services.db.reading() as session:
        row = session.scalars(select(Passkey)).one()
        assert (row.sign_count, row.used_at is not None) == (2, True)


def test_no_answer_counts_twice_or_late_or_for_another_site_or_unless_unlocked(named: Site) -> None:
    phone = Device()
    enrol(named.browser(ZOE), phone)
    browser = named.browser()
    options = browser.post("/login/passkey/options").json
    with browser.client.session_transaction() as cookie:
        asked = list(cookie["passkey"])
    answer = phone.show(options)
    late = clock.now() + timedelta(minutes=6)
    with clock.frozen(late):
        assert browser.post("/login/passkey", {"passkey": answer}).headers["Location"] == "/login"
    with browser.client.session_transaction() as cookie:
        cookie["passkey"] = asked
    assert browser.post("/login/passkey", {"passkey": answer}).headers["Location"] == "/dashboard"
    thief = named.browser()
    thief.get("/login")
    with thief.client.session_transaction() as cookie:
        cookie["passkey"] = asked
    phone.count += 5
    for stolen in (answer, phone.show(options)):
        assert thief.post("/login/passkey", {"passkey": stolen}).headers["Location"] == "/login", (
            "answered already"
        )
    assert thief.post("/login/passkey", {"passkey": answer}).headers["Location"] == "/login", "never asked"
    for wrong in ("http://evil.example", "http://localhost:1"):
        phone.origin = wrong
        assert log_in(named, phone)[1].headers["Location"].startswith("/login")
    phone.origin, phone.flags = ORIGIN, 0x01
    assert log_in(named, phone)[1].headers["Location"].startswith("/login"), "present, but not unlocked"
    phone.flags = 0x05
    phone.count = 0
    assert log_in(named, phone)[1].headers["Location"].startswith("/login"), (
        "a copy that counts from the start"
    )
    for rubbish in ("", "{", '{"rawId": 1}'):
        browser.post("/login/passkey/options")
        assert browser.post("/login/passkey", {"passkey": rubbish}).headers["Location"] == "/login"
    assert browser.post("/login/passkey", {"passkey": "[]"}).status_code == 429, "ten are enough"


def test_several_are_named_and_removed_by_their_owner_alone(named: Site) -> None:
    browser, phone, laptop = named.browser(ZOE), Device(), Device()
    enrol(browser, phone)
    assert enrol(browser, laptop, "Laptop  of   the shop").headers["Location"] == HOME, (
        "codes are there already"
    )
    with named.services.db.reading() as session:
        first, second = session.scalars(select(Passkey).order_by(Passkey.id))
    stranger = named.browser("eve@example.org")
    for path in (f"/account/passkeys/{first.public_id}", f"/account/passkeys/{first.public_id}/remove"):
        assert stranger.get(path).status_code == 404
        assert stranger.post(path, {"name": "x", "password": PASSWORD}, start=HOME).status_code == 404
    page = f"/account/passkeys/{first.public_id}"
    assert browser.post(page, {"name": "x" * 81}, start=page).status_code == 422
    assert browser.post(page, {"name": "Zoe's phone"}, start=page).status_code == 302
    assert "Zoe's phone" in browser.text(HOME)
    assert "Laptop of the shop" in browser.text(HOME)
    for row, device in ((first, laptop), (second, laptop)):
        remove = f"/account/passkeys/{row.public_id}/remove"
        options = browser.post("/account/passkeys/again", start=HOME).json
        assert browser.post(remove, {"passkey": device.show(options)}, start=remove).status_code == 302
    assert log_in(named, phone)[1].headers["Location"].startswith("/login")
    with named.services.db.reading() as session:
        user = session.scalars(select(User).where(User.email == ZOE)).one()
        assert user.second_factor_at is None
        assert session.scalars(select(RecoveryCode.id)).all() == []


def test_a_passkey_stands_in_for_password_and_code_and_somebody_elses_does_not(named: Site) -> None:
    zoe, eve, phone, hers = named.browser(ZOE), named.browser("eve@example.org"), Device(), Device()
    enrol(zoe, phone)
    enrol(eve, hers)
    page = "/dashboard/bank-account"
    assert "Confirm with a passkey" in zoe.text(page)
    form = {"holder": "Zoe", "iban": "NL91ABNA0417164300"}
    for device, status in ((hers, 422), (phone, 302)):
        options = zoe.post("/account/passkeys/again", start=HOME).json
        assert zoe.post(page, {**form, "passkey": device.show(options)}, start=page).status_code == status
    login = zoe.post("/login/passkey/options").json
    other = zoe.post(page, {**form, "passkey": phone.show(login)}, start=page)
    assert other.status_code == 422, "an answer to another question"
    assert zoe.post(page, form, start=page).status_code == 422


def test_a_browser_that_was_left_open_gains_no_passkey(named: Site) -> None:
    browser = named.browser(ZOE)
    with named.services.db.transaction() as session:
        session.execute(update(UserSession).values(authenticated_at=clock.now() - timedelta(minutes=11)))
    assert browser.post("/account/passkeys/options", start=HOME).status_code == 403
    assert "First show that it is you" in browser.text(NEW)
    assert browser.post(NEW, {"password": PASSWORD}, start=NEW).headers["Location"] == NEW
    assert "Make the passkey" in browser.text(NEW)


def test_an_address_without_a_name_offers_no_passkeys(quick_site: Site) -> None:
    browser = quick_site.browser(ZOE)
    assert not PasskeyParty("http://127.0.0.1:8000").usable
    assert not PasskeyParty("http://refer.example").usable, "not without https"
    assert PasskeyParty("https://refer.example").usable
    if not PasskeyParty(quick_site.services.settings.public_url).usable:
        assert "Passkey" not in browser.text(HOME)
        assert "passkey" not in browser.text("/login")
        assert browser.get(NEW).status_code == 404


def test_a_thiefs_passkey_goes_with_the_address_that_they_gave_the_account(named: Site) -> None:
    thief, phone = named.browser(ZOE), Device()
    assert enrol(thief, phone).status_code == 200
    options = thief.post("/account/passkeys/again", start=CHANGE).json
    asked = thief.post(CHANGE, {"email": "thief@example.org", "passkey": phone.show(options)}, start=CHANGE)
    assert asked.headers["Location"] == HOME
    confirm = mailed(named, MailKind.ADDRESS_ASKED)[1]
    thief.post(confirm, start=confirm)
    assert log_in(named, phone)[1].headers["Location"] == HOME
    undo = mailed(named, MailKind.ADDRESS_MOVED)[1]
    assert named.browser().post(undo, start=undo).status_code == 200
    assert log_in(named, phone)[1].headers["Location"].startswith("/login")
    with named.services.db.reading() as session:
        zoe = session.scalars(select(User).where(User.email == ZOE)).one()
        assert zoe.second_factor_at is None, "or its owner would be asked for the thief's code"
        assert session.scalars(select(RecoveryCode)).all() == []


def test_a_passkey_that_is_older_outlives_the_undoing_of_a_change(named: Site) -> None:
    owner, phone = named.browser(ZOE), Device()
    assert enrol(owner, phone).status_code == 200
    with clock.frozen(clock.now() + timedelta(days=20)):
        owner, _answer = log_in(named, phone)
        options = owner.post("/account/passkeys/again", start=CHANGE).json
        owner.post(CHANGE, {"email": "new@example.org", "passkey": phone.show(options)}, start=CHANGE)
        confirm = mailed(named, MailKind.ADDRESS_ASKED)[1]
        owner.post(confirm, start=confirm)
        undo = mailed(named, MailKind.ADDRESS_MOVED)[1]
        assert named.browser().post(undo, start=undo).status_code == 200
        assert log_in(named, phone)[1].headers["Location"] == HOME
