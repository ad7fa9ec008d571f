"""States, reasons and rules in the reader's language. Every word here is in the glossary of the three languages."""

from __future__ import annotations

from typing import Final

from flask_babel import lazy_gettext as _l

from app.dashboard.components import Status, Tone
from app.dashboard.i18n import _
from app.payouts.domain.state import PayoutState, RunState
from app.payouts.words import BlockedReason, OmissionReason
from app.referrals.domain.commission import Outcome
from app.referrals.queries.lists import CommissionState
from app.referrals.words import (
    Approval,
    AttributionModel,
    BindingMethod,
    FactKind,
    HoldRule,
    HoldState,
    OrderStatus,
    ReferrerStatus,
    RefundKind,
)


def attribution(model: AttributionModel) -> str:
    """Which click counts."""
    match model:
        case AttributionModel.LAST_CLICK:
            return _("the last click counts")
        case AttributionModel.FIRST_CLICK:
            return _("the first click counts")


def approval(rule: Approval) -> str:
    """Who takes a payout run to the bank."""
    match rule:
        case Approval.AUTOMATIC:
            return _("automatic")
        case Approval.ONE:
            return _("one person")
        case Approval.TWO:
            return _("two people (four eyes)")


def method(way: BindingMethod | None) -> str:
    """How a customer came to belong to a referrer."""
    match way:
        case BindingMethod.COUPON:
            return _("by a coupon")
        case BindingMethod.CLICK:
            return _("by a click on the referral link")
        case BindingMethod.LEAD:
            return _("by a lead that the referrer had registered")
        case BindingMethod.CODE:
            return _("by a referrer code that the customer typed")
        case BindingMethod.CHOSEN:
            return _("chosen by the customer")
        case BindingMethod.STAFF:
            return _("by staff")
        case None:
            return _("nobody")


def outcome(text: str) -> str:  # noqa: C901 - one arm for each member
    """Whether an order line earns, and if not, why; a sentence."""
    match Outcome(text):
        case Outcome.CANCELLED:
            return _("The order was cancelled before it was paid.")
        case Outcome.UNPAID:
            return _("The customer has not paid yet.")
        case Outcome.UNATTRIBUTED:
            return _("The customer belongs to no referrer.")
        case Outcome.BEFORE_BINDING:
            return _("The order was placed before the customer followed a referral link.")
        case Outcome.AFTER_BINDING:
            return _("The customer had ended the partnership before this order.")
        case Outcome.WAITING_RATE:
            return _("The exchange rate of the day is not known yet; the commission follows when it is.")
        case Outcome.UNKNOWN_PRODUCT | Outcome.NOT_PARTICIPATING | Outcome.EXCLUDED:
            return _("This product does not participate in the programme.")
        case Outcome.KIND_NOT_PAID:
            return _("The commission rate does not cover this kind of order, such as renewals.")
        case Outcome.DURATION_SPENT:
            return _("The period for which this customer's orders earn is over.")
        case Outcome.EARNS:
            return _("Earns a commission.")


def outcome_status(text: str) -> Status:
    """The same as a state."""
    match Outcome(text):
        case Outcome.EARNS:
            return Status(_("earns"), Tone.DONE)
        case Outcome.UNPAID | Outcome.WAITING_RATE:
            return Status(_("waiting"), Tone.WAIT)
        case Outcome.CANCELLED:
            return Status(_("cancelled"), Tone.STOP)
        case Outcome.UNKNOWN_PRODUCT | Outcome.NOT_PARTICIPATING | Outcome.EXCLUDED:
            return Status(_("does not participate"), Tone.CALM)
        case _:
            return Status(_("earns nothing"), Tone.CALM)


def lost(reason: str | None) -> str:
    """Why a candidate did not win; a sentence."""
    sentences = {
        None: _("This one counts."),
        "unknown": _("It does not exist, or its signature is wrong."),
        "other_program": _("It belongs to another programme."),
        "outside_window": _("The click is older than the programme allows."),
        "after_signup": _("The click came after the registration."),
        "existed_before": _("The customer had signed up or ordered before this click."),
        "referrer_suspended": _("The referrer was suspended, or had left, at that time."),
        "already_bound": _("The customer already belonged to a referrer."),
        "decided_by_staff": _("Staff had said whom the customer belongs to."),
        "lead_expired": _("The prospect was registered too long before."),
        "lower_precedence": _("A coupon beats a click, a click beats a lead, a lead beats a typed code."),
        "earlier_click": _("There was a later click, and the last one counts."),
        "later_click": _("There was an earlier click, and the first one counts."),
        "later_lead": _("The same prospect had been registered before, and the first one counts."),
        "same_kind": _("Another of the same kind was taken."),
    }
    return sentences.get(reason, reason or "")


def not_presented() -> str:
    """Why a click that the shop did not send is told of all the same; a sentence for staff."""
    return _(
        "The shop did not send this click. It came from the same network and browser on that day, and would have won."
    )


def click_label(label: str) -> str:
    """What kind of request a click was."""
    named = {
        "counted": _("counted"),
        "bad_tag": _("wrong signature"),
        "prefetch": _("loaded ahead by the browser"),
        "head": _("only looked up"),
        "embedded": _("embedded in another page"),
        "bot": _("by a program"),
        "duplicate": _("the same visitor again"),
    }
    return named.get(label, label)


def candidate_kind(kind: str) -> str:
    """What spoke for a referrer."""
    words = {
        "coupon": _("coupon"),
        "click": _("click"),
        "lead": _("lead"),
        "code": _("typed code"),
        "chosen": _("customer's choice"),
        "staff": _("correction by staff"),
    }
    return words.get(kind, kind)


def order_status(status: OrderStatus) -> Status:
    """How far an order has come."""
    match status:
        case OrderStatus.PENDING:
            return Status(_("not paid yet"), Tone.WAIT)
        case OrderStatus.PAID:
            return Status(_("paid by the customer"), Tone.DONE)
        case OrderStatus.CANCELLED:
            return Status(_("cancelled"), Tone.STOP)


def referrer_status(status: ReferrerStatus) -> Status:
    """Whether a referrer takes part."""
    match status:
        case ReferrerStatus.ACTIVE:
            return Status(_("active"), Tone.DONE)
        case ReferrerStatus.SUSPENDED:
            return Status(_("suspended"), Tone.HELD)
        case ReferrerStatus.LEFT:
            return Status(_("left"), Tone.CALM)


def commission_state(state: CommissionState) -> Status:
    """Where a commission's money stands, as far as the commission itself tells."""
    match state:
        case CommissionState.PENDING:
            return Status(_("pending"), Tone.WAIT)
        case CommissionState.PAYABLE:
            return Status(_("available"), Tone.DONE)
        case CommissionState.HELD:
            return Status(_("under review"), Tone.HELD)
        case CommissionState.TAKEN_BACK:
            return Status(_("taken back"), Tone.STOP)
        case CommissionState.REJECTED:
            return Status(_("rejected"), Tone.STOP)


def fact_kind(kind: FactKind) -> str:
    """What the shop reported."""
    match kind:
        case FactKind.SIGNUP:
            return _("signup")
        case FactKind.ORDER:
            return _("order")
        case FactKind.PAYMENT:
            return _("payment")
        case FactKind.CORRECTION:
            return _("correction of an order")
        case FactKind.CANCELLATION:
            return _("cancellation")
        case FactKind.REFUND:
            return _("refund")
        case FactKind.PARTNER_CHOICE:
            return _("choice of a partner")
        case FactKind.LEAD:
            return _("lead")


def refund_kind(kind: RefundKind) -> str:
    """Who took the money back, or gave it again."""
    match kind:
        case RefundKind.REFUND:
            return _("The customer got money back")
        case RefundKind.CHARGEBACK:
            return _("The customer's bank took the payment back")
        case RefundKind.CHARGEBACK_REVERSAL:
            return _("The payment that was taken back came in again")


HOLD_RULES: Final = {
    HoldRule.SELF_REFERRAL_EMAIL: _l("The customer has the referrer's e-mail address"),
    HoldRule.SELF_REFERRAL_IBAN: _l("Paid from the referrer's bank account"),
    HoldRule.REFERRER_SUSPENDED: _l("The referrer is suspended"),
    HoldRule.STAFF: _l("Taken aside by staff"),
    HoldRule.SHARED_CLICK: _l("A second customer came with the same click"),
    HoldRule.CROWDED_CLICK: _l("Several customers came with the same click"),
    HoldRule.FAST_CONVERSION: _l("Paid sooner after the click than a person can"),
    HoldRule.LATE_CLICK: _l("The click came after the order or the signup that presents it"),
    HoldRule.SAME_NETWORK: _l("The click came from a network in which the referrer logged in that day"),
    HoldRule.CONVERSION_OUTLIER: _l(
        "The referrer's clicks become customers far more often than everybody else's"
    ),
    HoldRule.REFUND_RATE: _l("Too many of the referrer's orders are refunded"),
    HoldRule.REFERRAL_RING: _l(
        "The customer is a referrer, and the customers they brought lead back to this referrer"
    ),
}


def hold_rule(rule: HoldRule) -> str:
    """Why a commission was taken under review or noted, for staff."""
    return str(HOLD_RULES[rule])


def hold_rule_for_referrer(rule: HoldRule) -> str:
    """The same without anything that tells who the customer is."""
    match rule:
        case HoldRule.SELF_REFERRAL_EMAIL | HoldRule.SELF_REFERRAL_IBAN:
            return _(
                "It looks like an order of your own. Someone checks it; your own orders earn no commission."
            )
        case HoldRule.REFERRER_SUSPENDED:
            return _("Your participation is suspended; the money waits until that is settled.")
        case HoldRule.REFUND_RATE:
            return _("Many orders were refunded lately. Someone checks before more is paid out.")
        case HoldRule.STAFF:
            return _("Someone of the programme looks at it.")
        case (
            HoldRule.SHARED_CLICK
            | HoldRule.CROWDED_CLICK
            | HoldRule.FAST_CONVERSION
            | HoldRule.LATE_CLICK
            | HoldRule.SAME_NETWORK
            | HoldRule.CONVERSION_OUTLIER
            | HoldRule.REFERRAL_RING
        ):
            return _(
                "How this customer came to you is unusual. Someone checks it; an honest order is released."
            )


def hold_state(state: HoldState) -> Status:
    """What became of a review."""
    match state:
        case HoldState.OPEN:
            return Status(_("under review"), Tone.HELD)
        case HoldState.NOTED:
            return Status(_("noted"), Tone.WAIT)
        case HoldState.SEEN:
            return Status(_("seen and left"), Tone.CALM)
        case HoldState.RELEASED:
            return Status(_("released"), Tone.DONE)
        case HoldState.REJECTED:
            return Status(_("rejected"), Tone.STOP)


def payout_state(state: PayoutState) -> Status:
    """How far a payout has come."""
    match state:
        case PayoutState.RESERVED:
            return Status(_("being prepared"), Tone.WAIT)
        case PayoutState.FILED:
            return Status(_("ready for the bank"), Tone.WAIT)
        case PayoutState.SUBMITTED:
            return Status(_("on its way"), Tone.MOVE)
        case PayoutState.PAID:
            return Status(_("paid"), Tone.DONE)
        case PayoutState.REJECTED:
            return Status(_("refused by the bank"), Tone.STOP)
        case PayoutState.UNKNOWN:
            return Status(_("being looked into"), Tone.HELD)
        case PayoutState.CANCELLED:
            return Status(_("cancelled"), Tone.CALM)
        case PayoutState.RETURNED:
            return Status(_("sent back by the bank"), Tone.STOP)


def run_state(state: RunState) -> Status:
    """How far a payout run has come."""
    match state:
        case RunState.DRAFT:
            return Status(_("draft"), Tone.CALM)
        case RunState.FROZEN:
            return Status(_("waits for approval"), Tone.HELD)
        case RunState.APPROVED:
            return Status(_("approved"), Tone.WAIT)
        case RunState.BUILT:
            return Status(_("files are ready"), Tone.WAIT)
        case RunState.SUBMITTED:
            return Status(_("at the bank"), Tone.MOVE)
        case RunState.CLOSED:
            return Status(_("closed"), Tone.DONE)
        case RunState.CANCELLED:
            return Status(_("cancelled"), Tone.CALM)


def omission(reason: OmissionReason) -> str:  # noqa: C901 - one arm for each member
    """Why a referrer with money is not in a run."""
    match reason:
        case OmissionReason.BELOW_MINIMUM:
            return _("Below the minimum payout; carried forward")
        case OmissionReason.NEGATIVE:
            return _("Negative after commission was taken back; carried forward")
        case OmissionReason.SUSPENDED:
            return _("The referrer is suspended")
        case OmissionReason.NO_BANK_ACCOUNT:
            return _("No bank account on file")
        case OmissionReason.ACCOUNT_NOT_YET_USABLE:
            return _("The bank account was changed a few days ago")
        case OmissionReason.ACCOUNT_BLOCKED:
            return _("The bank account is blocked")
        case OmissionReason.ADDRESS_MISSING:
            return _("The account is outside the EEA and needs an address")
        case OmissionReason.NOT_REACHABLE:
            return _("The country cannot be reached this way")
        case OmissionReason.TOO_LARGE:
            return _("Too large for one transfer")
        case OmissionReason.EXCLUDED:
            return _("Taken out by staff")


def blocked(reason: BlockedReason) -> str:
    """Why a bank account may not be paid to."""
    match reason:
        case BlockedReason.AC01:
            return _("The bank says that the account number is wrong.")
        case BlockedReason.AC04:
            return _("The bank says that the account is closed.")
        case BlockedReason.AC06:
            return _("The bank says that the account is blocked.")
        case BlockedReason.AG01:
            return _("The bank says that the account takes no transfers.")
        case BlockedReason.RC01:
            return _("The bank says that the BIC is wrong.")
        case BlockedReason.RVNM:
            return _("The bank says that the account is in another name.")
        case BlockedReason.STAFF:
            return _("Blocked by the programme's staff.")
