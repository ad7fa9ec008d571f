"""The pages: for the public, for referrers, for the merchant's staff.

``access.py`` says who may open which route, ``views/`` parses and calls one use case, ``presenters/`` turns rows into
finished words, ``templates/`` places them, ``formatting.py`` knows how each language writes amounts and days.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from flask import Flask


def register(app: Flask) -> None:
    """Add the pages to the application, which has its services already."""
    from flask_wtf import CSRFProtect  # noqa: PLC0415 - lower slices may be imported without the pages

    from app.dashboard import (  # noqa: PLC0415
        access,
        assets,
        errors,
        framing,
        locale,
        look,
        page,
        plain_text,
        security,
        teams,
        throttle,
    )
    from app.dashboard.views import BLUEPRINTS  # noqa: PLC0415
    from app.dashboard.views.banners import register_banners  # noqa: PLC0415
    from app.identity.login import init_login  # noqa: PLC0415
    from app.promo.views import Banners  # noqa: PLC0415
    from app.requests import services, session  # noqa: PLC0415

    with app.app_context():
        parts = services()
    secure = parts.settings.secure_cookies
    register_banners(app, Banners(parts.db, parts.settings.redis_url))
    app.config.update(
        SESSION_COOKIE_SECURE=secure,
        SESSION_COOKIE_HTTPONLY=True,
        WTF_CSRF_TIME_LIMIT=None,
        WTF_CSRF_SSL_STRICT=secure,
        WTF_CSRF_CHECK_DEFAULT=False,
    )
    init_login(app, parts.db, session)
    framing.register_framing(app)
    look.register_look(app)
    locale.register_babel(app)
    throttle.register_throttle(app, parts.settings.redis_url)
    security.register_headers(app)
    security.register_csrf(app, CSRFProtect(app))
    plain_text.register_plain_text(app)
    access.register_access(app)
    assets.register_assets(app)
    page.register_page(app)
    teams.register_teams(app)
    errors.register_errors(app)
    for blueprint in BLUEPRINTS:
        app.register_blueprint(blueprint)
