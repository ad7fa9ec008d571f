"""Shop front: what is for sale, and the question whether a recommendation may be remembered."""

from __future__ import annotations

from typing import TYPE_CHECKING

from flask import Blueprint, abort, redirect, render_template, request, url_for

from examples.shop import referral
from examples.shop.catalogue import PRODUCTS, of_programme
from examples.shop.settings import DIRECTORY, HOSTING

if TYPE_CHECKING:
    from werkzeug.wrappers import Response

pages = Blueprint("front", __name__)


@pages.get("/")
def home() -> str:
    """The hosting products; landing page of the hosting programme."""
    return render_template("home.html", products=of_programme(HOSTING))


@pages.get("/studio")
def studio() -> str:
    """The marketing software; landing page of the directory programme."""
    return render_template("studio.html", products=of_programme(DIRECTORY))


@pages.get("/products/<sku>")
def product(sku: str) -> str:
    """One product; deep links lead here."""
    if sku not in PRODUCTS:
        abort(404)
    return render_template("product.html", product=PRODUCTS[sku])


@pages.post("/consent")
def consent() -> Response:
    """Takes the answer and goes back; with a yes the click id moves from the URL into a cookie."""
    referral.answer_consent(request.form.get("answer", "no"))
    back = request.form.get("back", "")
    target = url_for("front.studio") if back == "/studio" else url_for("front.home")
    return redirect(target)


@pages.get("/healthz")
def health() -> tuple[str, int]:
    """For the supervisor: the shop answers."""
    return "ok", 200
