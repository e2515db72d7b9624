"""XMP, the dialect of photo programs: RDF in XML.

Others write it, so a field that makes no sense is taken as absent. A document type, the only place
where XML could name an entity or another file, is refused.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any
from xml.etree import ElementTree as ET

from mlops_assets.errors import InputError
from mlops_assets.gates.sidecars.said import Sidecar

_RDF = "{http://www.w3.org/1999/02/22-rdf-syntax-ns#}"
_PREFIXES = {
    "http://purl.org/dc/elements/1.1/": "dc",
    "http://ns.adobe.com/xap/1.0/": "xmp",
    "http://ns.adobe.com/exif/1.0/": "exif",
    "http://ns.adobe.com/tiff/1.0/": "tiff",
    "http://ns.adobe.com/photoshop/1.0/": "photoshop",
}
_TIMES = ("exif:DateTimeOriginal", "photoshop:DateCreated", "xmp:CreateDate")
_MARKS = ("<x:xmpmeta", "<rdf:RDF", "<?xpacket")
_BOMS = ((b"\xef\xbb\xbf", "utf-8-sig"), (b"\xff\xfe", "utf-16"), (b"\xfe\xff", "utf-16"))
_TYPED = re.compile(r"<!\s*(?:DOCTYPE|ENTITY)", re.IGNORECASE)
_DECLARATION = re.compile(r"^\s*<\?xml[^>]*\?>")
_COORDINATE = re.compile(r"(\d{1,3}),(\d{1,2}(?:\.\d+)?)(?:,(\d{1,2}(?:\.\d+)?))?([NSEW])")
_NOT_SHOWN = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f]")


def is_xmp(raw: bytes) -> bool:
    """Whether bytes begin as XMP does."""
    head = _text(raw[:4096]).lstrip("\ufeff \t\r\n")
    return head.startswith("<") and any(mark in head for mark in _MARKS)


def read_xmp(raw: bytes) -> Sidecar:
    """Read when, where, by what, description and subjects; `extra` keeps every field by its name.

    UTC is assumed where a time has no zone.

    Raises:
        InputError: `invalid_xml`: no well-formed XML, or one with a document type.
    """
    text = _DECLARATION.sub("", _text(raw).lstrip("\ufeff"))
    if _TYPED.search(text):
        raise InputError("the XMP has a document type; expected none", reason="invalid_xml")
    try:
        root = ET.fromstring(text)
    except (ET.ParseError, ValueError) as err:
        raise InputError(f"the XMP is not well-formed: {err}", reason="invalid_xml") from err
    fields = dict(_fields(root))
    return Sidecar(
        captured_at=next((at for name in _TIMES if (at := _time(fields.get(name)))), None),
        device=" ".join(dict.fromkeys(_words(fields, "tiff:Make", "tiff:Model"))) or None,
        caption=next(iter(_words(fields, "dc:description", "dc:title")), None),
        tags=list(dict.fromkeys(_words(fields, "dc:subject"))),
        place=_place(fields),
        extra=fields,
        dialect="xmp",
    )


def _text(raw: bytes) -> str:
    encoding = next((name for bom, name in _BOMS if raw.startswith(bom)), "utf-8")
    return _NOT_SHOWN.sub("\ufffd", raw.decode(encoding, "replace"))


def _fields(root: ET.Element) -> Iterator[tuple[str, Any]]:
    """Each property: written as an attribute of a description, or as an element in it."""
    for described in root.iter(f"{_RDF}Description"):
        for name, value in described.attrib.items():
            if not name.startswith(_RDF):
                yield _short(name), value
        for element in described:
            yield _short(element.tag), _value(element)


def _value(element: ET.Element) -> str | list[str]:
    items = [(item.text or "").strip() for item in element.iter(f"{_RDF}li")]
    return items or " ".join(part.strip() for part in element.itertext() if part.strip())


def _short(name: str) -> str:
    space, _, local = name.removeprefix("{").rpartition("}")
    return f"{_PREFIXES.get(space, space)}:{local}" if space else local


def _words(fields: dict[str, Any], *names: str) -> list[str]:
    found = [fields.get(name, "") for name in names]
    listed = [one for value in found for one in (value if isinstance(value, list) else [value])]
    return [word.strip() for word in listed if word.strip()]


def _time(value: object) -> datetime | None:
    if not isinstance(value, str) or ("T" not in value and " " not in value):
        return None
    try:
        moment = datetime.fromisoformat(value.strip())
        return (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).astimezone(UTC)
    except (ValueError, OverflowError):
        return None


def _place(fields: dict[str, Any]) -> tuple[float, float] | None:
    latitude, longitude = (_degrees(fields.get(f"exif:GPS{n}")) for n in ("Latitude", "Longitude"))
    if latitude is None or longitude is None or abs(latitude) > 90 or abs(longitude) > 180:
        return None
    return latitude, longitude


def _degrees(value: object) -> float | None:
    """`46,12.3456N` or `46,12,20N` (XMP specification, part 2, 1.2.7.4)."""
    found = _COORDINATE.fullmatch(value.strip()) if isinstance(value, str) else None
    if found is None:
        return None
    size = int(found[1]) + float(found[2]) / 60 + float(found[3] or 0) / 3600
    return math.copysign(size, -1 if found[4] in "SW" else 1)
