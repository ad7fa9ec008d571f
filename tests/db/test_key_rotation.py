"""A new encryption key takes over everything that is sealed; then the old one may go."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from sqlalchemy import LargeBinary, func, select

from app.identity.models import Authenticator
from app.identity.roles import Role
from app.identity.second_factor import SEALED_SECRETS, authenticator_of, begin_authenticator, secret_of
from app.identity.users import NewUser, create_user
from app.kernel.crypto import CannotOpen, Keyring
from app.kernel.db import Base
from app.kernel.sealed import IndexRoot, Resealed, keep_root, kept_root, reseal
from app.payouts.deps import PayoutDeps
from app.payouts.destinations import SEALED_IBANS, GivenAccount, iban_key, open_iban, put_destination
from app.payouts.models import PayoutDestination
from app.payouts.rotation import SEALED_COLUMNS, rotate_keys
from app.payouts.words import DestinationSource
from app.referrals.models import Referrer
from tests.builders import ACTOR, ENCRYPTION_KEY, NOW
from tests.db.payouts_world import FREEZER, IBANS, Payday

if TYPE_CHECKING:
    from app.kernel.db import Database

NEW = "the-next-encryption-key-0123456789abcdef"
PEOPLE = 5


@pytest.fixture
def payday(database: Database) -> Payday:
    made = Payday.build(database)
    made.crowd(PEOPLE)
    return made


def ring(payday: Payday, *keys: str) -> Keyring:
    return Keyring(keys, lambda: kept_root(payday.db))


def with_an_app(payday: Payday, keyring: Keyring) -> str:
    """Somebody of the staff sets up an authenticator app; its secret."""
    with payday.db.transaction() as session:
        user = create_user(session, NewUser("own@shop.example", Role.OWNER), now=NOW)
        begin_authenticator(session, keyring, user, now=NOW)
        row = authenticator_of(session, user.id)
        assert row is not None
        return secret_of(keyring, row)


def all_open(payday: Payday, keyring: Keyring) -> bool:
    with payday.db.reading() as session:
        return all(open_iban(keyring, each) for each in session.scalars(select(PayoutDestination)))


def test_after_a_rotation_the_old_key_may_go_and_every_account_is_found_and_opened(payday: Payday) -> None:
    both, new = ring(payday, ENCRYPTION_KEY, NEW), ring(payday, NEW)
    secret = with_an_app(payday, ring(payday, ENCRYPTION_KEY))
    run_id = payday.freeze()
    payday.approve(run_id)
    with pytest.raises(CannotOpen):
        all_open(payday, ring(payday, NEW))
    done = rotate_keys(payday.db, both, by=ACTOR, now=NOW, batch=2)
    assert done == [
        Resealed("payout_destinations.iban_sealed", PEOPLE + 2, PEOPLE + 2),
        Resealed("authenticators.secret_sealed", 1, 1),
    ]
    with payday.db.reading() as session:
        app = session.scalars(select(Authenticator)).one()
        assert secret_of(new, app) == secret
    assert all_open(payday, new)
    assert iban_key(new, IBANS["ada"]) == iban_key(Keyring((ENCRYPTION_KEY,)), IBANS["ada"])
    deps = PayoutDeps(payday.db, ring(payday, NEW))
    with payday.db.transaction() as session:
        ada = session.scalars(select(Referrer).where(Referrer.code == "ada-hosting")).one()
        given = GivenAccount("Ada Ünal", IBANS["ada"])
        source = DestinationSource.REFERRER
        same = put_destination(deps, session, ada, given, source=source, verified=False, by=ACTOR, now=NOW)
        assert same.version == 1, "known as the same account"
    assert payday.run(run_id).approved_at is not None
    payday.assert_sound()
    assert rotate_keys(payday.db, new, by=FREEZER, now=NOW) == [
        Resealed(SEALED_IBANS.name, PEOPLE + 2, 0),
        Resealed(SEALED_SECRETS.name, 1, 0),
    ]


def test_a_rotation_that_dies_goes_on_where_it_was(payday: Payday) -> None:
    both, lives = ring(payday, ENCRYPTION_KEY, NEW), iter(range(3))
    keep_root(payday.db, both, NOW)

    class Dying(Keyring):
        def seal(self, plain: bytes, aad: bytes) -> bytes:
            next(lives)
            return super().seal(plain, aad)

    with pytest.raises(StopIteration):
        reseal(payday.db, Dying((ENCRYPTION_KEY, NEW)), SEALED_IBANS, batch=2)
    assert all_open(payday, both), "whatever it came to, nothing is lost"
    assert reseal(payday.db, both, SEALED_IBANS, batch=2).resealed == PEOPLE
    assert all_open(payday, ring(payday, NEW))


def test_an_erased_account_is_passed_over_and_one_that_does_not_open_stops_it(payday: Payday) -> None:
    both = ring(payday, ENCRYPTION_KEY, NEW)
    with payday.db.transaction() as session:
        first, second, *_ = session.scalars(select(PayoutDestination).order_by(PayoutDestination.id))
        first.iban_sealed = b""
    assert reseal(payday.db, both, SEALED_IBANS).rows == PEOPLE + 1
    with payday.db.transaction() as session:
        session.get_one(PayoutDestination, second.id).iban_sealed = b"altered by somebody"
    with pytest.raises(CannotOpen):
        rotate_keys(payday.db, both, by=ACTOR, now=NOW)


def test_the_index_root_is_kept_once_and_follows_the_newest_key(payday: Payday) -> None:
    old, both = ring(payday, ENCRYPTION_KEY), ring(payday, ENCRYPTION_KEY, NEW)
    keep_root(payday.db, old, NOW)
    before = kept_root(payday.db)
    keep_root(payday.db, old, NOW)
    assert kept_root(payday.db) == before
    keep_root(payday.db, both, NOW)
    assert kept_root(payday.db) != before
    assert ring(payday, NEW).index("iban", "a") == old.index("iban", "a")
    with pytest.raises(CannotOpen):
        keep_root(payday.db, ring(payday, "a-third-encryption-key-0123456789abcdef"), NOW)
    with payday.db.reading() as session:
        assert session.scalar(select(func.count()).select_from(IndexRoot)) == 1


def test_every_sealed_column_of_the_schema_is_rotated() -> None:
    sealed = {
        f"{table.name}.{column.name}"
        for table in Base.metadata.tables.values()
        for column in table.columns
        if isinstance(column.type, LargeBinary) and column.name.endswith("_sealed")
    }
    assert sealed - {"index_roots.root_sealed"} == {each.name for each in SEALED_COLUMNS}
