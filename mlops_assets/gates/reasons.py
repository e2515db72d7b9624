"""Every reason a gate can give, and what a person reads."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Literal

Severity = Literal["quarantine", "flag"]


@dataclass(frozen=True)
class Reason:
    """One reason.

    Attributes:
        code: snake_case, the key of the table.
        severity: `quarantine` keeps the file out; `flag` lets it in and marks it.
        says: what a person reads: a sentence on what it means and what to do.
    """

    code: str
    severity: Severity
    says: str


_TABLE = (
    Reason("empty", "quarantine", "The file has no bytes. Send it again."),
    Reason("not_a_file", "quarantine", "The path is no regular file. Land a file in its place."),
    Reason("unknown_kind", "quarantine", "The bytes are of no kind that is taken here."),
    Reason(
        "unsupported_format", "quarantine", "The format is known and not read here. Convert it."
    ),
    Reason("unreadable", "quarantine", "The header is damaged or cut off. Send it again."),
    Reason("no_streams", "quarantine", "The container holds neither picture nor sound."),
    Reason("no_frames", "quarantine", "The stream is there and has no frame in it."),
    Reason("too_many_bytes", "quarantine", "The file is larger than the limit for its kind."),
    Reason("too_many_pixels", "quarantine", "The header claims more pixels than the limit."),
    Reason("too_long", "quarantine", "It lasts longer than the limit. Cut it into parts."),
    Reason("too_many_pages", "quarantine", "It has more pages or frames than the limit."),
    Reason("too_many_packets", "quarantine", "A track declares more samples than the limit."),
    Reason("impossible_rate", "quarantine", "No camera takes that many frames in a second."),
    Reason("encrypted", "quarantine", "The document asks for a password. Send it without one."),
    Reason("timestamps_go_back", "flag", "Time runs backwards somewhere between the packets."),
    Reason("packets_missing", "flag", "There are fewer packets than the header declares."),
    Reason("packets_cut_off", "flag", "Counting stopped at a limit; the count is not known."),
    Reason("late_streams", "flag", "Streams appear in the middle; those were not looked at."),
    Reason("audio_not_read", "flag", "Registered; nothing reads audio yet."),
    Reason("invalid_json", "flag", "The sidecar is no JSON, and was not used."),
    Reason("not_an_object", "flag", "The sidecar is no JSON object, and was not used."),
    Reason(
        "too_large", "flag", "The sidecar is larger or deeper than the limit, and was not used."
    ),
    Reason("bad_field", "flag", "A field of the sidecar has a wrong value; it was not used."),
    Reason("bad_labels_file", "quarantine", "The labels file has no readable header line."),
    Reason("bad_label_line", "flag", "A line of the labels file was not understood, and left out."),
)

REASONS: Mapping[str, Reason] = MappingProxyType({reason.code: reason for reason in _TABLE})
"""Code to reason."""
