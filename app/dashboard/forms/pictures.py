"""The field for a picture; what it hands on was drawn anew by us."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from flask_wtf.file import FileField
from wtforms.validators import StopValidation

from app.dashboard.i18n import _
from app.promo.images import (
    MAX_BYTES,
    BrokenPicture,
    NotAPicture,
    Picture,
    PictureTooLarge,
    PictureTooWide,
    read_picture,
)

if TYPE_CHECKING:
    from wtforms.form import BaseForm

ACCEPT = "image/png,image/jpeg,image/webp,image/gif"
"""What the browser offers to choose from; the content decides all the same."""


class PictureField(FileField):
    """After it has passed, ``picture`` is what may be kept; ``None`` where nothing was chosen."""

    picture: Picture | None = None

    def __init__(self, *args: Any, **options: Any) -> None:  # noqa: ANN401 - WTForms' own signature
        super().__init__(*args, **{"render_kw": {"accept": ACCEPT}, **options})

    def pre_validate(self, _form: BaseForm) -> None:
        """Read the upload, never more of it than may be kept."""
        if not self.data:
            return
        try:
            self.picture = read_picture(self.data.read(MAX_BYTES + 1))
        except NotAPicture as error:
            raise StopValidation(
                _("Choose a picture: PNG, JPEG, WebP or GIF. SVG and other files are not taken.")
            ) from error
        except BrokenPicture as error:
            raise StopValidation(
                _("The picture is damaged. Please save it again and choose it once more.")
            ) from error
        except PictureTooLarge as error:
            raise StopValidation(_("The picture may have at most 2 MB.")) from error
        except PictureTooWide as error:
            raise StopValidation(
                _("The picture may be at most 4096 pixels wide or high, and 8 million in all.")
            ) from error
