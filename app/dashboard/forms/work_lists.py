"""What the lists of payouts, documents, bank records, facts and the audit trail are searched by."""

from __future__ import annotations

from types import MappingProxyType

from flask_babel import lazy_gettext as _l

from app.dashboard.forms.lists import ListForm, choice_field, day_field, status_word, text_field
from app.dashboard.presenters import documents, words
from app.dashboard.presenters.staff import bank
from app.payouts.domain.invoice import DocumentState
from app.payouts.domain.state import PayoutState, RunState
from app.payouts.words import BankEventState
from app.referrals.words import FactKind


class RunListForm(ListForm):
    """Payout runs."""

    offers = MappingProxyType({"state": (RunState, status_word(words.run_state))})
    state = choice_field(_l("State"), "state")


class PayoutListForm(ListForm):
    """The payouts of a run."""

    offers = MappingProxyType({"state": (PayoutState, status_word(words.payout_state))})
    referrer = text_field(_l("Code of the referrer"), "referrer")
    state = choice_field(_l("State"), "state")
    search = text_field(_l("Reference"), "q")


class DocumentListForm(ListForm):
    """Tax documents."""

    offers = MappingProxyType({"state": (DocumentState, status_word(documents.state_word))})
    search = text_field(_l("Number"), "q")
    state = choice_field(_l("State"), "state")
    referrer = text_field(_l("Code of the referrer"), "referrer")
    first = day_field(_l("From"), "from")
    last = day_field(_l("Until"), "to")


class BankEventListForm(ListForm):
    """Records of the bank."""

    offers = MappingProxyType({"state": (BankEventState, status_word(bank.event_state))})
    search = text_field(_l("Reference"), "q")
    state = choice_field(_l("State"), "state")


class FactListForm(ListForm):
    """Facts that wait for another one."""

    offers = MappingProxyType({"kind": (FactKind, words.fact_kind)})
    search = text_field(_l("Order number"), "q")
    kind = choice_field(_l("Kind"), "kind")


class AuditListForm(ListForm):
    """The audit trail."""

    search = text_field(_l("To what"), "q")
    action = text_field(_l("What"), "what")
    first = day_field(_l("From"), "from")
    last = day_field(_l("Until"), "to")
