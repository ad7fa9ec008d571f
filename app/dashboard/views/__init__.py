"""The routes of the pages. A view parses, calls one use case or query, and renders."""

from __future__ import annotations

import app.dashboard.views.address
import app.dashboard.views.authenticator
import app.dashboard.views.bank_account
import app.dashboard.views.banners
import app.dashboard.views.directory_said
import app.dashboard.views.documents
import app.dashboard.views.leads
import app.dashboard.views.links
import app.dashboard.views.mails
import app.dashboard.views.news
import app.dashboard.views.passkeys
import app.dashboard.views.privacy
import app.dashboard.views.profile
import app.dashboard.views.promo
import app.dashboard.views.second_step
import app.dashboard.views.team
import app.dashboard.views.terms
import app.dashboard.views.undo_account
import app.dashboard.views.why  # noqa: F401 - the routes of all these join the blueprint of home
from app.dashboard.views.accounts import accounts
from app.dashboard.views.customer import customer
from app.dashboard.views.directory import directory
from app.dashboard.views.handover import handover
from app.dashboard.views.home import home
from app.dashboard.views.public import public
from app.dashboard.views.staff import staff

BLUEPRINTS = (public, accounts, customer, directory, handover, home, staff)
