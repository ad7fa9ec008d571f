"""Every table of the house in one import, for Alembic and for tests that create the schema."""

from __future__ import annotations

import app.api.models
import app.directory.models
import app.finance.models
import app.identity.models
import app.kernel.sealed
import app.ledger.models
import app.mail.models
import app.overview.models
import app.payouts.models
import app.promo.models
import app.referrals.models
import app.shopfront.models  # noqa: F401
from app.kernel.db import Base

metadata = Base.metadata
