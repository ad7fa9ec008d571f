"""The referrer's links: the plain one, campaigns, single pages; each as an address and as a QR code."""

from __future__ import annotations

from typing import TYPE_CHECKING

from flask import Response, flash, redirect, render_template, url_for
from werkzeug.exceptions import NotFound

from app.dashboard.forms.base import show_refusal, text
from app.dashboard.forms.home import LinkForm
from app.dashboard.i18n import _
from app.dashboard.presenters import links as presenter
from app.dashboard.presenters import qr
from app.dashboard.views.home import chosen_membership, home, my_memberships, switch, today_in
from app.kernel import clock
from app.kernel.errors import InvalidInput
from app.ledger.balances import balance
from app.referrals.queries.campaigns import brought_by_campaign, link_of, links_of
from app.referrals.referrers import make_link as keep_link
from app.requests import services, session

if TYPE_CHECKING:
    from flask.typing import ResponseReturnValue

    from app.referrals.models import Link
    from app.referrals.queries.dashboard import Membership


@home.get("/links")
def links() -> ResponseReturnValue:
    """Every link, what each campaign brought, and the form for another."""
    return _page(LinkForm(formdata=None))


@home.post("/links")
def make_link() -> ResponseReturnValue:
    """Make a campaign link."""
    form = LinkForm()
    chosen = chosen_membership(my_memberships())
    if form.validate_on_submit() and (form.campaign.data or text(form.to)):
        try:
            keep_link(
                session(),
                chosen.program,
                chosen.referrer,
                campaign=form.campaign.data or "",
                to=form.to.data or "",
                now=clock.now(),
            )
        except InvalidInput as error:
            show_refusal(form, error, _("A link cannot lead there."))
        else:
            flash(_("The link is ready."), "done")
            return redirect(url_for("home.links"))
    elif not form.errors:
        form.campaign.errors = [_("Fill in a campaign name or a target page.")]
    return _page(form), 422


@home.get("/links/qr.<any(svg, png):suffix>")
@home.get("/links/<int:link_id>/qr.<any(svg, png):suffix>")
def qr_code(suffix: str, link_id: int | None = None) -> ResponseReturnValue:
    """A link as a file to print: the plain one, or one that the referrer made."""
    found = my_memberships()
    if link_id is None:
        return _qr_file(suffix, chosen_membership(found), None)
    for each in found:
        link = link_of(session(), each.referrer.id, link_id)
        if link is not None:
            return _qr_file(suffix, each, link)
    raise NotFound


def _qr_file(suffix: str, membership: Membership, link: Link | None) -> Response:
    campaign, to = (link.campaign, link.to) if link else ("", "")
    url = presenter.link_url(services().links, services().settings.public_url, membership, campaign, to)
    name = "-".join(filter(None, ("qr", membership.referrer.code, campaign)))
    answer = Response(qr.qr_file(url, suffix), mimetype=qr.MIMETYPES[suffix])
    answer.headers["Content-Disposition"] = f'attachment; filename="{name}.{suffix}"'
    answer.headers["Content-Security-Policy"] = "default-src 'none'; sandbox"
    answer.headers["Cache-Control"] = "private, no-store"
    return answer


def _page(form: LinkForm) -> str:
    found = my_memberships()
    chosen = chosen_membership(found)
    form.to.description = presenter.target_help(chosen.program)
    wrong = next((each for each in (form.campaign, form.to) if each.errors), None)
    if wrong is not None:
        # Also where no script runs.
        wrong.render_kw = {**(wrong.render_kw or {}), "autofocus": True}
    page = presenter.links_page(
        links_of(session(), chosen.referrer.id),
        brought_by_campaign(session(), chosen.referrer.id),
        balance(
            session(),
            referrer_id=chosen.referrer.id,
            currency=chosen.program.currency,
            today=today_in(chosen),
        ),
        services().links,
        services().settings.public_url,
        chosen,
    )
    return render_template(
        "home/links.html", page=page, form=form, memberships=switch(found, chosen, "home.links")
    )
