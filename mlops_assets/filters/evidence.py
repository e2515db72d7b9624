"""What a filter found: a code of the gates, and the proof of it, fit to be shown."""

from __future__ import annotations

from dataclasses import dataclass

MAX_DETAIL_CHARS = 200
_SHOWN_CHARS = 80


@dataclass(frozen=True, slots=True)
class Evidence:
    """One thing a filter found.

    Attributes:
        code: of `GATES`, such as `hidden_characters`.
        detail: the proof: printable, one line, at most 200 characters, nothing in it unescaped
            that could act on whoever reads it.
    """

    code: str
    detail: str


def evidence(code: str, said: str, quoted: str = "") -> Evidence:
    """Put a find into words.

    Args:
        code: of `GATES`.
        said: what was found, in our own words.
        quoted: what was found, as it stands there; shown escaped and cut.
    """
    detail = f"{said}: {shown(quoted)}" if quoted else said
    return Evidence(code, detail[:MAX_DETAIL_CHARS])


def shown(text: str, *, at_most: int = _SHOWN_CHARS) -> str:
    r"""A text in quotes, on one line, with every character that does not show as `\u{...}`.

    Args:
        text: any text.
        at_most: characters of it that are shown.

    Returns:
        Printable text; `...` stands for what was cut off.
    """
    cut = " ".join(text[: 2 * at_most].split())
    rest = "..." if len(cut) > at_most or len(text) > 2 * at_most else ""
    return '"' + "".join(map(_escaped, cut[:at_most])) + rest + '"'


def _escaped(char: str) -> str:
    is_unseen = not char.isprintable() or "\ufe00" <= char <= "\ufe0f"
    is_unseen = is_unseen or char >= "\U000e0000" or char in "\u034f\u115f\u1160\u3164\uffa0\u2800"
    return f"\\u{{{ord(char):X}}}" if is_unseen else char
