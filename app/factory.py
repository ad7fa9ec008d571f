"""The only wiring: which part gets which, and nothing else."""

from __future__ import annotations

import gc
from functools import partial
from typing import TYPE_CHECKING

from flask import Flask
from werkzeug.middleware.proxy_fix import ProxyFix

from app import requests
from app.identity.tokens import MailLinks
from app.kernel.crypto import Keyring
from app.kernel.db import Database
from app.kernel.queue import JobQueue
from app.kernel.sealed import kept_root
from app.mail.mailer import mailer_for
from app.mail.office import PostOffice
from app.news import News
from app.payouts.deps import PayoutDeps
from app.payouts.queries import referrer_iban_keys
from app.privacy.partner_links import PartnerLinks
from app.referrals.intake import ReferralDeps
from app.referrals.links import LinkSigner
from app.services import Services
from config import ROOT, Settings

if TYPE_CHECKING:
    from _typeshed.wsgi import WSGIApplication

    from app.server import Server

__all__ = ["Services", "build_services", "create_app", "create_rsgi", "create_wsgi"]

MAX_BODY = 1024 * 1024
"""Bytes of a request body, unless a route says otherwise (bank files, batches)."""


def build_services(settings: Settings) -> Services:
    """Make every part for one process. Opens no connection yet."""
    db = Database(settings.database_url)
    queue = JobQueue(settings.redis_url)
    db.on_commit = queue.send
    keyring = Keyring(settings.encryption_keys, partial(kept_root, db))
    links = LinkSigner(settings.link_keys)
    mail_links = MailLinks(settings.secret_keys)
    mail = PostOffice(
        db,
        mailer_for(settings.smtp_url, settings.var_dir / "mail"),
        mail_links,
        settings.public_url,
        settings.mail_from,
    )
    news = News(mail)
    return Services(
        settings=settings,
        db=db,
        keyring=keyring,
        links=links,
        queue=queue,
        mail=mail,
        mail_links=mail_links,
        partner_links=PartnerLinks(settings.secret_keys),
        referrals=ReferralDeps(links, keyring, referrer_iban_keys, news.of_partner),
        payouts=PayoutDeps(db, keyring, news.of_payout),
    )


def create_app(settings: Settings) -> Flask:
    """The Flask application, with the redirect mounted beside it under ``/r/``."""
    from app import api, cli, dashboard, observe  # noqa: PLC0415 - a worker needs no routes
    from app.dashboard.dev import register_dev_components  # noqa: PLC0415
    from app.mail.dev import register_dev_mail  # noqa: PLC0415
    from app.referrals.redirect_wsgi import mount_redirect  # noqa: PLC0415

    services = build_services(settings)
    app = Flask(
        "refledger",
        root_path=str(ROOT),
        template_folder="templates",
        static_folder="static",
        static_url_path="/static",
    )
    app.config.update(
        SECRET_KEY=settings.secret_keys[-1],
        SECRET_KEY_FALLBACKS=list(settings.secret_keys[:-1]),
        MAX_CONTENT_LENGTH=MAX_BODY,
        TRUSTED_HOSTS=list(settings.trusted_hosts),
        TESTING=settings.app_env == "test",
    )
    app.extensions[requests.EXTENSION] = services
    # Registered first, so that it runs last: whatever the others add to a response, the commit decides it.
    requests.register(app)
    observe.register(app)
    api.register(app)
    dashboard.register(app)
    cli.register(app)
    if not settings.production:
        register_dev_mail(app, settings.var_dir / "mail")
        register_dev_components(app)
    if settings.proxy_hops:
        hops = settings.proxy_hops
        app.wsgi_app = ProxyFix(app.wsgi_app, x_for=hops, x_proto=hops, x_host=hops)  # type: ignore[method-assign]
    app.wsgi_app = mount_redirect(app.wsgi_app, services)  # type: ignore[method-assign, assignment]
    return app


def create_rsgi() -> Server:
    """What granian serves (``--interface rsgi --factory``). Raises ``StartRefused`` naming a wrong variable."""
    from app.referrals.redirect import redirect_of  # noqa: PLC0415 - a worker needs no server
    from app.server import Server  # noqa: PLC0415

    app = _served()
    return Server(redirect_of(app.extensions[requests.EXTENSION]), app.wsgi_app)


def create_wsgi() -> WSGIApplication:
    """What any other server serves. Raises ``StartRefused`` naming a wrong variable."""
    return _served().wsgi_app


def _served() -> Flask:
    from app.observe import logs  # noqa: PLC0415 - tests configure their own

    settings = Settings.from_env()
    logs.configure(settings.log_level)
    app = create_app(settings)
    # What was made so far stays for good: the collector need not look through all of it again and again.
    gc.collect()
    gc.freeze()
    return app
