"""Examples of the OpenAPI document and the docs page; a test holds each against its model."""

from __future__ import annotations

from typing import Any, Final

_ORDER: Final = {
    "order_id": "2026/0012",
    "customer_id": "C-4711",
    "currency": "EUR",
    "status": "paid",
    "placed_at": "2026-09-10T14:30:00+02:00",
    "paid_at": "2026-09-10T14:31:07+02:00",
    "method": "card",
    "lines": [
        {"line_id": "1", "product": "vps-m", "quantity": 1, "net": 11000},
        {"line_id": "2", "product": "domain-nl", "quantity": 1, "net": 899, "kind": "new"},
    ],
}

BODIES: Final[dict[str, dict[str, dict[str, Any]]]] = {
    "create_lead": {
        "spoken to": {
            "lead_id": "L-2026-17",
            "email": "prospect@example.com",
            "registered_at": "2026-09-10T12:30:00Z",
        }
    },
    "create_referrer": {
        "usual": {"name": "Jansen Webdesign", "email": "info@jansen.example", "locale": "nl"},
        "own code": {"code": "jansen", "name": "Jansen Webdesign", "email": "info@jansen.example"},
    },
    "put_payout_destination": {
        "known to the merchant": {
            "holder": "Jansen Webdesign B.V.",
            "iban": "NL91 ABNA 0417 1643 00",
            "verified": True,
        }
    },
    "create_referrer_session": {
        "page": {},
        "frame": {"open": "links", "frame": True},
    },
    "create_customer_session": {
        "directory": {"open": "directory"},
        "profile": {"open": "profile", "referrer_code": "jansen", "frame": True},
    },
    "create_link": {"campaign": {"campaign": "newsletter", "to": "/vps"}},
    "create_signup": {
        "click": {
            "customer_id": "C-4711",
            "click_id": "AY9tW3kQAAEAAAACAGpjZ3Q5Mm5rc2Q4",
            "email": "eva@example.org",
            "signed_up_at": "2026-09-10T14:28:51+02:00",
        },
        "coupon": {"customer_id": "C-4712", "coupon": "JANSEN10"},
        "nobody": {"customer_id": "C-4713"},
    },
    "put_partner": {"chosen": {"referrer_code": "jansen"}},
    "create_order": {
        "paid": _ORDER,
        "pending": {name: _ORDER[name] for name in _ORDER if name not in {"paid_at", "method"}}
        | {"status": "pending"},
    },
    "create_payment": {"usual": {"paid_at": "2026-09-12T09:00:00Z", "method": "direct_debit"}},
    "create_correction": {
        "usual": {
            "correction_id": "K-1",
            "lines": [{"line_id": "1", "product": "vps-m", "quantity": 1, "net": 9900}],
        }
    },
    "create_cancellation": {"usual": {"cancelled_at": "2026-09-11T10:00:00Z"}},
    "create_refund": {
        "part": {
            "refund_id": "R-1",
            "kind": "refund",
            "refunded_at": "2026-09-20T08:00:00Z",
            "lines": [{"line_id": "1", "net": 3300}],
        },
        "all": {
            "refund_id": "R-2",
            "kind": "chargeback",
            "refunded_at": "2026-09-20T08:00:00Z",
            "full": True,
        },
        "reversal": {
            "refund_id": "R-3",
            "kind": "chargeback_reversal",
            "reverses": "R-2",
            "refunded_at": "2026-10-02T08:00:00Z",
        },
    },
}
"""By operation id and name."""

ANSWERS: Final[dict[str, dict[str, dict[str, Any]]]] = {
    "OrderAnswer": {
        "paid": {
            "order_id": "2026/0012",
            "status": "paid",
            "referrer": "jansen",
            "commissions": [
                {
                    "line_id": "1",
                    "kind": "kickback",
                    "amount": 1100,
                    "currency": "EUR",
                    "rate": "10%",
                    "available_on": "2026-10-10",
                    "state": "pending",
                }
            ],
        }
    },
    "SignupAnswer": {
        "attributed": {
            "customer_id": "C-4711",
            "referrer": "jansen",
            "method": "click",
            "decision_id": "dec_3v7x0k9r2m5t8w1y4z6b0c3d5f",
            "signed_up_at": "2026-09-10T12:28:51Z",
        }
    },
    "BalanceAnswer": {
        "usual": {
            "currency": "EUR",
            "pending": 1100,
            "available": 8420,
            "held": 0,
            "in_flight": 0,
            "paid": 25000,
            "earned": 33820,
            "clawed_back": 500,
            "opening": 1200,
            "adjustments": 0,
        }
    },
}
"""By model and name."""
