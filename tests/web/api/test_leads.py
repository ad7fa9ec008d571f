"""Leads by the API: registered once, answered the same whoever came first, read again, refused in so many words."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from tests.web.api.kit import order_body

if TYPE_CHECKING:
    from tests.web.api.kit import Shop


def body(**changes: Any) -> dict[str, Any]:
    return {
        "lead_id": "crm/17",
        "email": "prospect@example.com",
        "registered_at": "2026-08-20T12:00:00Z",
    } | changes


def test_a_lead_is_registered_once_and_read_again(shop: Shop) -> None:
    first = shop.post(f"/referrers/{shop.code}/leads", body())
    again = shop.post(f"/referrers/{shop.code}/leads", body())
    assert (first.status_code, again.status_code) == (201, 200)
    assert first.json == {
        "lead_id": "crm/17",
        "referrer": shop.code,
        "registered_at": "2026-08-20T12:00:00Z",
        "expires_at": "2026-11-18T12:00:00Z",
    }
    assert again.json == first.json
    assert shop.get(f"/referrers/{shop.code}/leads/crm%2F17").json == first.json


def test_the_prospect_who_signs_up_belongs_to_the_referrer(shop: Shop) -> None:
    shop.post(f"/referrers/{shop.code}/leads", body())
    signup = {
        "customer_id": "c1",
        "email": "Prospect+x@example.com",
        "signed_up_at": "2026-09-01T12:00:00Z",
    }
    answer = shop.post("/signups", signup)
    assert (answer.json["referrer"], answer.json["method"]) == (shop.code, "lead")
    shop.post("/orders", order_body())
    assert shop.get("/orders/o1/explanation").json["decision"]["candidates"][0]["kind"] == "lead"


def test_the_second_to_register_is_told_nothing_about_the_first(shop: Shop) -> None:
    first = shop.post(f"/referrers/{shop.code}/leads", body()).json
    later = shop.post("/referrers/bob-hosting/leads", body(lead_id="crm/18", registered_at=None))
    assert later.status_code == 201
    assert set(later.json) == set(first)
    assert shop.code not in later.text
    assert shop.get("/referrers/bob-hosting/leads/crm%2F17").status_code == 404


def test_wrong_leads_are_refused_and_name_the_field(shop: Shop) -> None:
    path = f"/referrers/{shop.code}/leads"
    for wrong, pointer in (
        ({"email": "nobody"}, "/email"),
        ({"lead_id": ""}, "/lead_id"),
        ({"registered_at": "2030-01-01T00:00:00Z"}, "/registered_at"),
        ({"note": "x"}, "/note"),
    ):
        answer = shop.post(path, body(**wrong))
        assert (answer.status_code, answer.json["errors"][0]["pointer"]) == (422, pointer)
    assert shop.post("/referrers/nobody/leads", body()).status_code == 404
    shop.post(path, body())
    assert shop.post(path, body(email="other@example.com")).status_code == 409
