"""The referrer's links: the plain one, campaigns, single pages."""

from __future__ import annotations

from typing import TYPE_CHECKING

from flask import flash, redirect, render_template, url_for

from app.dashboard.forms.base import show_refusal, text
from app.dashboard.forms.home import LinkForm
from app.dashboard.i18n import _
from app.dashboard.presenters import links as presenter
from app.dashboard.views.home import chosen_membership, home, my_memberships, switch
from app.kernel import clock
from app.kernel.errors import InvalidInput
from app.referrals.queries import dashboard as queries
from app.referrals.referrers import make_link as keep_link
from app.requests import services, session

if TYPE_CHECKING:
    from flask.typing import ResponseReturnValue


@home.get("/links")
def links() -> ResponseReturnValue:
    """Every link with its clicks, and the form for another."""
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
            show_refusal(form, error, _("Only a path of the shop, or an https address on one of its hosts."))
        else:
            flash(_("The link is ready."), "done")
            return redirect(url_for("home.links"))
    elif not form.errors:
        form.campaign.errors = [_("Fill in a campaign name or a target page.")]
    return _page(form), 422


def _page(form: LinkForm) -> str:
    found = my_memberships()
    chosen = chosen_membership(found)
    page = presenter.links_page(
        queries.links_of(session(), chosen.referrer.id),
        queries.clicks_by_campaign(session(), chosen.referrer.id),
        services().links,
        services().settings.public_url,
        chosen,
    )
    return render_template(
        "home/links.html", page=page, form=form, memberships=switch(found, chosen, "home.links")
    )
