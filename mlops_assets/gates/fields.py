"""Fields of what people write beside their media: times and texts, read strictly."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from mlops_assets.errors import InputError


def bad_field(field: str, value: object, right: str) -> InputError:
    """The error for a field with a wrong value.

    Args:
        field: name of the field, such as `labels[2].annotator`.
        value: what was given; shown cut to 80 characters.
        right: what would have been right.

    Returns:
        An `InputError` of reason `bad_field`, to be raised.
    """
    shown = repr(value)
    shown = shown if len(shown) <= 80 else f"{shown[:77]}..."
    return InputError(f"{field} is {shown}; expected {right}", reason="bad_field")


def read_time(field: str, value: object) -> datetime | None:
    """Read an ISO 8601 time.

    Args:
        field: name, for the message.
        value: text such as `2026-11-05T10:15:00+01:00`; UTC is assumed without an offset. None and
            empty text are absent.

    Returns:
        Aware, UTC; None where absent.

    Raises:
        InputError: `bad_field`.
    """
    if value is None or value == "":
        return None
    try:
        if not isinstance(value, str):
            raise ValueError(value)
        moment = datetime.fromisoformat(value.strip())
        return (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).astimezone(UTC)
    except (ValueError, OverflowError) as err:
        right = "an ISO 8601 time such as 2026-11-05T10:15:00Z"
        raise bad_field(field, value, right) from err


def read_text(field: str, value: object) -> str | None:
    """Read a text; None and blank text are absent.

    Raises:
        InputError: `bad_field`.
    """
    if value is None:
        return None
    if not isinstance(value, str):
        raise bad_field(field, value, "a text")
    return value.strip() or None


def read_texts(field: str, value: object) -> list[str]:
    """Read a list of texts; one text alone is a list of one. Blank ones and repeats are dropped.

    Raises:
        InputError: `bad_field`.
    """
    texts = [read_text(f"{field}[{place}]", one) for place, one in enumerate(as_list(field, value))]
    return list(dict.fromkeys(text for text in texts if text))


def as_list(field: str, value: object) -> list[Any]:
    """The list, or the list of one text or object; None is the empty list.

    Raises:
        InputError: `bad_field`.
    """
    if value is None:
        return []
    if isinstance(value, list):
        return value
    if isinstance(value, str | dict):
        return [value]
    raise bad_field(field, value, "a list")
