"""Pictures that people upload: read by their content, drawn anew, and nothing else of the file kept.

What comes out was written by us: no EXIF, no profile, no comment, no second frame, no bytes behind the picture's end.
"""

from __future__ import annotations

from dataclasses import dataclass
from io import BytesIO
from typing import TYPE_CHECKING, Any, Final

from app.kernel.errors import InvalidInput

if TYPE_CHECKING:
    from PIL import Image

MAX_BYTES: Final = 2 * 1024 * 1024
MAX_SIDE: Final = 4096
"""Pixels."""
MAX_PIXELS: Final = 4096 * 2048
"""Width times height: what one upload may cost in memory is four bytes of each."""

_WRITTEN_AS: Final[dict[str, tuple[str, str, dict[str, Any]]]] = {
    "PNG": ("PNG", "image/png", {"optimize": True}),
    "GIF": ("PNG", "image/png", {"optimize": True}),
    "JPEG": ("JPEG", "image/jpeg", {"quality": 90, "optimize": True}),
    # A JPEG with further pictures behind the first, as telephones write them.
    "MPO": ("JPEG", "image/jpeg", {"quality": 90, "optimize": True}),
    "WEBP": ("WEBP", "image/webp", {"quality": 90}),
}
"""The format that was read, to format, media type and options of what is kept. A moving GIF stands still as a PNG."""


class NotAPicture(InvalidInput):
    """The bytes are none of the four kinds, whatever the file's name says; SVG can carry script and is none."""

    title = "Not a picture of an allowed kind"

    def __init__(self) -> None:
        super().__init__("Only PNG, JPEG, WebP and GIF pictures are taken, not SVG or anything else")


class BrokenPicture(InvalidInput):
    """The file begins as a picture and cannot be read to its end."""

    title = "The picture is broken"

    def __init__(self) -> None:
        super().__init__("The file begins as a picture, but cannot be read to its end")


class PictureTooLarge(InvalidInput):
    """More bytes than allowed, as uploaded or as drawn anew."""

    title = "The picture's file is too large"

    def __init__(self, size: int, limit: int) -> None:
        super().__init__(f"The file has {size} bytes, at most {limit} are taken")


class PictureTooWide(InvalidInput):
    """More pixels than allowed, which a small file can unfold into."""

    title = "The picture has too many pixels"

    def __init__(self) -> None:
        super().__init__(f"At most {MAX_SIDE} pixels a side and {MAX_PIXELS} in all are taken")


@dataclass(frozen=True, slots=True)
class Picture:
    """A picture that may be served: ``body`` was encoded by us. Width and height are in pixels."""

    body: bytes
    media_type: str
    width: int
    height: int


def read_picture(raw: bytes, *, max_bytes: int = MAX_BYTES) -> Picture:
    """The picture in an uploaded file, drawn anew.

    PNG, JPEG, WebP and GIF, told by their content; of a moving one the first frame. Turned as its EXIF says. Raises
    :class:`NotAPicture`, :class:`BrokenPicture`, :class:`PictureTooLarge` or :class:`PictureTooWide`.
    """
    if len(raw) > max_bytes:
        raise PictureTooLarge(len(raw), max_bytes)
    # Only the header is read here, so the size is known before any pixel takes memory.
    opened = _open(raw)
    if max(opened.size) > MAX_SIDE or opened.width * opened.height > MAX_PIXELS:
        raise PictureTooWide
    form, media_type, options = _WRITTEN_AS[opened.format or ""]
    still = _still(opened, form)
    out = BytesIO()
    still.save(out, form, **options)
    if out.tell() > max_bytes:
        raise PictureTooLarge(out.tell(), max_bytes)
    return Picture(out.getvalue(), media_type, still.width, still.height)


def _open(raw: bytes) -> Image.Image:
    from PIL import Image  # noqa: PLC0415 - megabytes that a web process without an upload does not need

    try:
        return Image.open(BytesIO(raw), formats=("PNG", "JPEG", "WEBP", "GIF"))
    except (Image.DecompressionBombError, Image.DecompressionBombWarning) as error:
        raise PictureTooWide from error
    except Exception as error:  # a reader of strangers' bytes raises whatever it stumbles over
        raise NotAPicture from error


def _still(opened: Image.Image, form: str) -> Image.Image:
    """The first frame's pixels, and of all that was written beside them only which colour is transparent."""
    from PIL import ImageOps  # noqa: PLC0415 - as above

    try:
        opened.load()
        turned = ImageOps.exif_transpose(opened)
        if form == "PNG" and turned.mode == "P":
            still = turned.copy()
            still.info = {key: value for key, value in turned.info.items() if key == "transparency"}
        else:
            still = turned.convert("RGBA" if turned.has_transparency_data and form != "JPEG" else "RGB")
            still.info = {}
    except Exception as error:  # as above
        raise BrokenPicture from error
    return still
