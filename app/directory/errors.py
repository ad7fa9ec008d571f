"""What the directory refuses."""

from __future__ import annotations

from app.kernel.errors import Conflict, Forbidden, InvalidInput, NotFound


class NoDirectory(NotFound):
    """The programme has no directory, or it is closed."""

    def __init__(self, slug: str) -> None:
        super().__init__(f"programme {slug!r} has no open directory")


class NotListed(NotFound):
    """The directory shows no partner of that code."""

    def __init__(self, code: str) -> None:
        super().__init__(f"the directory shows no partner {code!r}")


class NoProfile(NotFound):
    """The partner has written nothing yet."""

    def __init__(self, code: str) -> None:
        super().__init__(f"partner {code!r} has no profile")


class RatingNotFound(NotFound):
    """No such rating, or not theirs."""

    def __init__(self, rating_id: str) -> None:
        super().__init__(f"there is no rating {rating_id!r}")


class ReportNotFound(NotFound):
    """No such report in this programme."""

    def __init__(self, report_id: str) -> None:
        super().__init__(f"there is no report {report_id!r}")


class ExpertiseNotFound(NotFound):
    """No such expertise in this programme."""

    def __init__(self, key: int) -> None:
        super().__init__(f"there is no expertise {key}")


class ExpertiseThere(Conflict):
    """The list has one of that name."""

    def __init__(self, name: str) -> None:
        super().__init__(f"there is an expertise {name!r} already", pointer="/name_en")


class ChangedMeanwhile(Conflict):
    """What staff read is no longer what it says: deciding would let through words that nobody looked at."""

    title = "Changed meanwhile"

    def __init__(self) -> None:
        super().__init__("it was changed after this page was made; read it again")


class NeverTheirPartner(Forbidden):
    """Only who has, or had, a partner can rate them."""

    title = "Not their partner"

    def __init__(self, code: str) -> None:
        super().__init__(f"the customer never had {code!r} as their partner")


class OwnRating(Forbidden):
    """Partner and customer are the same person."""

    title = "Own rating"

    def __init__(self) -> None:
        super().__init__("nobody rates themselves")


class NoSuchStars(InvalidInput):
    """A rating has one to five stars."""

    def __init__(self) -> None:
        super().__init__("choose one to five stars", pointer="/stars")


class AnswerClosed(Conflict):
    """Staff took the answer down."""

    def __init__(self) -> None:
        super().__init__("the answer was taken down; there is no second one", pointer="/answer")


class NothingShown(Conflict):
    """The public sees nothing of it, so that there is nothing to report, answer or take down."""

    def __init__(self) -> None:
        super().__init__("it is not shown any more")
