"""Short English reports on a few topics, as text, Markdown, HTML and PDF."""

from __future__ import annotations

import textwrap
from dataclasses import dataclass
from html import escape
from pathlib import Path

import numpy as np

from mlops_assets.errors import InputError

_LINE_CHARACTERS = 84
_LINES_PER_PAGE = 52


@dataclass(frozen=True)
class Report:
    """One document before it has a format.

    Attributes:
        topic: key of `TOPICS`.
        title: one line.
        paragraphs: 1 to 4, of 2 to 5 sentences.
    """

    topic: str
    title: str
    paragraphs: tuple[str, ...]


@dataclass(frozen=True)
class Topic:
    """The vocabulary of one topic."""

    subjects: tuple[str, ...]
    actions: tuple[str, ...]
    reasons: tuple[str, ...]


TOPICS: dict[str, Topic] = {
    "traffic": Topic(
        ("A delivery lorry", "The morning queue of cars", "A cyclist", "The shuttle bus"),
        ("blocked the left lane", "turned at the roundabout", "waited at the traffic light"),
        ("because of roadworks", "after a minor collision", "during the rush hour"),
    ),
    "maintenance": Topic(
        ("The technician", "Our contractor", "The cooling pump", "The backup generator"),
        ("replaced a worn bearing", "failed its pressure test", "needed a new oil filter"),
        ("as part of the yearly inspection", "after a sensor alarm", "before the winter"),
    ),
    "weather": Topic(
        ("Heavy rain", "Dense fog", "A cold front", "Strong wind from the west"),
        ("reduced the visibility", "flooded the lower meadow", "brought snow to the hills"),
        ("shortly before sunrise", "for most of the night", "as the forecast had said"),
    ),
    "security": Topic(
        ("The night guard", "An unknown visitor", "The badge reader", "The fence alarm"),
        ("opened the side door", "reported a broken lock", "triggered a silent alert"),
        ("without a valid pass", "while the patrol was away", "according to the log book"),
    ),
    "logistics": Topic(
        ("The warehouse team", "A container from Rotterdam", "The forklift", "Our supplier"),
        ("delivered forty pallets", "missed the loading slot", "counted the spare parts"),
        ("due to a customs delay", "ahead of the schedule", "for the spring order"),
    ),
    "wildlife": Topic(
        ("A red fox", "The barn owl", "A family of deer", "The beaver by the creek"),
        ("crossed the meadow", "built a nest under the roof", "fed on fallen apples"),
        ("at dusk", "undisturbed by the visitors", "for the third week in a row"),
    ),
}
_PLACES = ("near the north gate", "behind the main hall", "on the car park", "along the east road")
_DAYS = ("On Monday", "On Tuesday", "Last Thursday", "On Friday", "Over the weekend", "Yesterday")
_TEMPLATES = (
    "{day} {subject_low} {action} {place} {reason}.",
    "{subject} {action} {reason}, and the event was noted {place}.",
    "{reason_up}, {subject_low} {action} {place}.",
    "It took about {number} minutes until {subject_low} {action} {place}.",
    "{subject} {action} {number} times {place}; this happened {reason}.",
)


def write_report(rng: np.random.Generator, topic: str) -> Report:
    """Make a report up.

    Args:
        rng: decides everything but the topic.
        topic: key of `TOPICS`.

    Returns:
        A report of 1 to 4 paragraphs whose words come from the topic's vocabulary.

    Raises:
        InputError: there is no such topic.
    """
    if topic not in TOPICS:
        raise InputError(f"topic is {topic!r}; expected one of {sorted(TOPICS)}", reason="no_topic")
    paragraphs = tuple(
        " ".join(_sentence(rng, TOPICS[topic]) for _ in range(rng.integers(2, 6)))
        for _ in range(rng.integers(1, 5))
    )
    number = rng.integers(100, 999)
    return Report(topic, f"{topic.capitalize()} report {number}", paragraphs)


def as_text(report: Report) -> str:
    """The report as plain text, blank lines between paragraphs."""
    wrapped = (textwrap.fill(paragraph, _LINE_CHARACTERS) for paragraph in report.paragraphs)
    return "\n\n".join([report.title, *wrapped]) + "\n"


def as_markdown(report: Report) -> str:
    """The report as Markdown: heading, paragraphs, the topic as a list item."""
    return "\n\n".join([f"# {report.title}", *report.paragraphs, f"- topic: *{report.topic}*\n"])


def as_html(report: Report) -> str:
    """The report as a page, with a style and a script that are no part of its text."""
    body = "\n".join(f"<p>{escape(paragraph)}</p>" for paragraph in report.paragraphs)
    title = escape(report.title)
    return (
        f'<!doctype html>\n<html lang="en"><head><meta charset="utf-8"><title>{title}</title>\n'
        "<style>p { margin: 1em; }</style><script>var hidden = 1;</script></head>\n"
        f"<body><h1>{title}</h1>\n{body}\n</body></html>\n"
    )


def render_pdf(path: Path, pages: list[str]) -> None:
    """Write a PDF with a text layer: Helvetica, A4, one text object per page.

    Args:
        path: file to write.
        pages: text of each page, in characters of Windows code page 1252; line breaks are kept
            and longer lines are wrapped at 84 characters.

    Raises:
        InputError: no page, a page of more than 52 lines, or a character outside the code page.
    """
    if not pages:
        raise InputError("the PDF has 0 pages; expected at least 1", reason="no_pages")
    kids = " ".join(f"{4 + 2 * number} 0 R" for number in range(len(pages)))
    objects = [
        b"<< /Type /Catalog /Pages 2 0 R >>",
        f"<< /Type /Pages /Kids [{kids}] /Count {len(pages)} >>".encode(),
        b"<< /Type /Font /Subtype /Type1 /BaseFont /Helvetica /Encoding /WinAnsiEncoding >>",
    ]
    for number, page in enumerate(pages):
        content = _page_content(page)
        objects.append(
            b"<< /Type /Page /Parent 2 0 R /MediaBox [0 0 595 842] "
            b"/Resources << /Font << /F1 3 0 R >> >> "
            + f"/Contents {5 + 2 * number} 0 R >>".encode()
        )
        objects.append(b"<< /Length %d >>\nstream\n%s\nendstream" % (len(content), content))
    path.write_bytes(_pdf_file(objects))


def _sentence(rng: np.random.Generator, topic: Topic) -> str:
    subject = str(rng.choice(topic.subjects))
    reason = str(rng.choice(topic.reasons))
    return str(rng.choice(_TEMPLATES)).format(
        subject=subject,
        subject_low=subject[0].lower() + subject[1:],
        action=rng.choice(topic.actions),
        reason=reason,
        reason_up=reason[0].upper() + reason[1:],
        place=rng.choice(_PLACES),
        day=rng.choice(_DAYS),
        number=rng.integers(2, 60),
    )


def _page_content(page: str) -> bytes:
    lines = [
        part for line in page.splitlines() for part in textwrap.wrap(line, _LINE_CHARACTERS) or [""]
    ]
    if len(lines) > _LINES_PER_PAGE:
        raise InputError(
            f"page has {len(lines)} lines; expected at most {_LINES_PER_PAGE}",
            reason="page_too_long",
        )
    shown = b"\n".join(b"(" + _pdf_escape(line) + b") Tj T*" for line in lines)
    return b"BT /F1 11 Tf 14 TL 60 790 Td\n" + shown + b"\nET"


def _pdf_escape(line: str) -> bytes:
    try:
        encoded = line.encode("cp1252")
    except UnicodeEncodeError as err:
        raise InputError(
            f"{line!r} has a character outside code page 1252", reason="unsupported_character"
        ) from err
    return encoded.replace(b"\\", b"\\\\").replace(b"(", b"\\(").replace(b")", b"\\)")


def _pdf_file(objects: list[bytes]) -> bytes:
    """Objects numbered from 1, then the cross-reference table (ISO 32000-1, 7.5.4)."""
    content = b"%PDF-1.4\n%\xe2\xe3\xcf\xd3\n"
    offsets = []
    for number, body in enumerate(objects, start=1):
        offsets.append(len(content))
        content += b"%d 0 obj\n%s\nendobj\n" % (number, body)
    table = b"0000000000 65535 f \n" + b"".join(b"%010d 00000 n \n" % at for at in offsets)
    size = len(objects) + 1
    trailer = b"trailer\n<< /Size %d /Root 1 0 R >>\nstartxref\n%d\n%%%%EOF\n"
    return content + b"xref\n0 %d\n%s" % (size, table) + trailer % (size, len(content))
