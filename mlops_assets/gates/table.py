"""Every gate: what it is called, what it does to a file, where its threshold is, what it says.

A new gate is a line here and whoever raises or finds its code; a gate on one measured number is a
line here, a field of `Limits` and a line in `measures.MEASURES`; any other gate on what was decoded
is a line here and a function in `pixels.PIXEL_GATES`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Literal

Severity = Literal["quarantine", "flag"]
Stage = Literal["folder", "door", "decode", "screen", "sidecar", "labels", "process"]


@dataclass(frozen=True)
class Gate:
    """One gate.

    Attributes:
        code: snake_case, the reason a file is kept out by or the flag it is marked with.
        stage: where it stands: `folder` (before the file is opened), `door` (headers and packets),
            `decode` (pixels, sound, text), `screen` (measures of what was decoded, judged again
            whenever a threshold changes), `sidecar` and `labels` (what is said of other files),
            `process` (what the decoder did to its process).
        severity: `quarantine` keeps the file out; `flag` lets it in and marks it.
        says: what a person reads: a sentence on what it means and what to do.
        limit: the field of `Limits` that holds its threshold; empty if there is nothing to set.
        parameter: of which table that is a parameter, set for all sources or for one, such as
            `raw_media.max_pages`; empty if the threshold is fixed on the platform.
    """

    code: str
    stage: Stage
    severity: Severity
    says: str
    limit: str = ""
    parameter: str = ""

    def message(self, detail: str) -> str:
        """What a person reads of one file: the sentence, then what was measured."""
        return f"{self.says} ({detail})" if detail else self.says


def _stop(stage: Stage, code: str, says: str, limit: str = "", parameter: str = "") -> Gate:
    return Gate(code, stage, "quarantine", says, limit, parameter)


def _flag(stage: Stage, code: str, says: str, limit: str = "", parameter: str = "") -> Gate:
    return Gate(code, stage, "flag", says, limit, parameter)


def _screen(code: str, says: str, limit: str) -> Gate:
    return _flag("screen", code, says, limit, f"screenings.{limit}")


_FOLDER = (
    _stop("folder", "symbolic_link", "A link, which is never followed. Land the file itself."),
    _stop("folder", "not_a_file", "The path is no regular file. Land a file in its place."),
    _stop("folder", "no_permission", "It may not be read. Give the platform leave to read it."),
    _stop("folder", "cannot_be_read", "The disk did not give it. Look at the disk, try again."),
    _stop("folder", "vanished", "It was listed, and was gone when it was to be read."),
    _stop("folder", "path_too_long", "The path is longer than can be opened. Shorten it."),
)
_DOOR = (
    _stop("door", "erased", "It was forgotten on request, and is not taken in again."),
    _stop("door", "empty", "The file has no bytes. Send it again."),
    _stop("door", "blank", "It has bytes and says nothing: zeros, white space, bare markup."),
    _stop("door", "unknown_kind", "The bytes are of no kind that is taken here."),
    _stop("door", "unsupported_format", "The format is known and not read here. Convert it."),
    _stop("door", "archive", "An archive is not unpacked. Land what is in it."),
    _stop("door", "office_document", "Office documents are not read. Export it as PDF."),
    _stop("door", "unreadable", "The header is damaged or cut off. Send it again."),
    _stop("door", "no_streams", "The container holds neither picture nor sound."),
    _stop("door", "no_frames", "The stream is there and has no frame in it."),
    _stop(
        "door",
        "too_many_bytes",
        "The file is larger than the limit for its kind.",
        "max_bytes",
        "raw_media.max_gb",
    ),
    _stop(
        "door",
        "too_many_pixels",
        "It claims more pixels than the limit.",
        "max_pixels",
        "raw_media.max_mpixels",
    ),
    _stop(
        "door",
        "too_long",
        "It lasts longer than the limit. Cut it into parts.",
        "max_duration_s",
        "raw_media.max_duration_s",
    ),
    _stop(
        "door",
        "too_many_pages",
        "It has more pages or frames than the limit.",
        "max_pages",
        "raw_media.max_pages",
    ),
    _stop(
        "door",
        "too_many_packets",
        "A track declares more samples than the limit.",
        "max_packets",
    ),
    _stop(
        "door",
        "impossible_rate",
        "No camera takes that many frames a second.",
        "max_rate_hz",
        "raw_media.max_rate_hz",
    ),
    _stop("door", "encrypted", "The document asks for a password. Send it without one."),
    _flag("door", "timestamps_go_back", "Time runs backwards somewhere between the packets."),
    _flag("door", "packets_missing", "There are fewer packets than the header declares."),
    _flag("door", "packets_cut_off", "Counting stopped at a limit.", "max_read_bytes"),
    _flag("door", "late_streams", "Streams appear in the middle; those were not looked at."),
    _flag("door", "animated", "Of a moving image the first picture is used."),
    _flag("door", "many_pages", "Of an image with several pages the first is used."),
    _flag("door", "motion_photo", "A clip hides behind the photo; the photo is used."),
    _flag("door", "interlaced", "Two half pictures are woven into each; they stay so."),
    _flag("door", "high_dynamic_range", "Brightness beyond the screen's is cut, not mapped."),
    _flag("door", "audio_not_read", "Registered and measured; nothing tells what it says yet."),
)
_DECODE = (
    _stop("decode", "nothing_decodes", "Not one picture, sound or page comes out of it."),
    _stop(
        "decode",
        "little_is_left",
        "Too much of it is damaged or cut off. Send it again.",
        "max_share_lost",
    ),
    _stop("decode", "unsupported_pixels", "Its pixel format is not read here. Convert it."),
    _stop("decode", "not_text", "It looked like text, and is none in any encoding."),
    _stop("decode", "damaged", "No page of the document can be read. Send it again."),
    _stop(
        "decode",
        "too_many_chars",
        "It holds more text than the limit.",
        "max_chars",
        "documents.max_chars",
    ),
    _stop("decode", "nested_too_deep", "Its parts nest deeper than is read."),
    _flag("decode", "salvaged", "Part of it is lost; the rest is used."),
    _flag("decode", "truncated", "Its end is missing."),
    _flag("decode", "damaged_inside", "It is damaged in its middle; some pixels may be wrong."),
    _flag("decode", "damaged_frames", "Some pictures are damaged, and left out."),
    _flag("decode", "damaged_packets", "Some packets do not decode."),
    _flag("decode", "damaged_container", "The container is damaged in places."),
    _flag("decode", "holes_in_time", "Pictures are missing between others."),
    _flag("decode", "frames_missing", "Fewer pictures come out than packets go in."),
    _flag("decode", "timestamps_repaired", "Times that did not increase were mended."),
    _flag("decode", "frame_limit", "Decoding stopped at a limit; the rest was not seen."),
    _flag("decode", "not_seen_to_the_end", "Too long to decode whole; the rest was not seen."),
    _flag("decode", "orientation_unreadable", "The note which side is up cannot be read."),
    _flag("decode", "colour_profile_unusable", "The colour profile cannot be used; sRGB is taken."),
    _flag("decode", "no_text_layer", "A document of pictures; text is not recognised yet."),
    _flag("decode", "pages_lost", "Some pages cannot be read; the others are used."),
)
_SCREEN = (
    _screen("too_dark", "Hardly any light in it.", "min_brightness"),
    _screen("too_bright", "Hardly anything but light in it.", "max_brightness"),
    _screen("low_contrast", "Nearly one tone all over: fog, a covered lens.", "min_contrast"),
    _screen("blurred", "Nothing in it is sharp.", "min_sharpness"),
    _screen("clipped_dark", "Much of it is black: nothing is seen there.", "max_clipped_dark"),
    _screen("clipped_bright", "Much of it is white: exposed too long.", "max_clipped_bright"),
    _screen("noisy", "Grain covers what is to be seen.", "max_noise"),
    _screen("blocky", "The blocks of the codec are seen: compressed too hard.", "max_blockiness"),
    _screen("mostly_black", "Much of the clip is black.", "max_black_share"),
    _screen("mostly_frozen", "Nothing changes for much of the clip.", "max_frozen_share"),
    _screen("odd_aspect", "Far longer than wide: a strip, a panorama, a banner.", "max_aspect"),
    _screen("below_resolution", "Smaller than pictures of this source should be.", "min_side_px"),
    _screen("above_resolution", "Larger than pictures of this source should be.", "max_side_px"),
    _screen("below_rate", "Fewer pictures a second than there should be.", "min_rate_hz"),
    _screen("above_rate", "More pictures a second than there should be.", "max_usual_rate_hz"),
    _screen("damaged_encoding", "Characters are lost or read wrong.", "max_damaged_share"),
    _screen("garbled_text", "Much of the text is no text in any language.", "max_garbage_share"),
    _flag(
        "screen",
        "unexpected_language",
        "Not in a language of its source.",
        parameter="screenings.languages",
    ),
    _flag(
        "screen",
        "unusual",
        "Unlike what its source sent before; the message says in what.",
        parameter="screenings.adaptive",
    ),
    _flag("screen", "not_measured", "Nothing was measured: it was skipped, or is still waiting."),
)
_CONTENT = (
    _flag("door", "polyglot", "It is a second kind of file as well: look before you open it."),
    _flag("decode", "hidden_characters", "Characters that do not show carry something."),
    _flag("decode", "bidirectional_text", "Text reads other than it runs."),
    _flag("decode", "homoglyphs", "Letters of another script stand for those they look like."),
    _flag("decode", "prompt_injection", "It orders a model to do something."),
    _flag("decode", "hidden_in_markup", "Text is in the document and not on its page."),
    _flag("decode", "hidden_text", "Text in the picture is too faint or small to notice."),
    _flag("screen", "silent_audio", "There is a sound track, and no sound on it."),
    _flag("screen", "ultrasonic_audio", "There is sound above what people hear."),
)
_SIDECAR = (
    _stop("sidecar", "invalid_json", "The sidecar is no JSON, and was not used."),
    _stop("sidecar", "invalid_xml", "The sidecar is no XMP, and was not used."),
    _stop("sidecar", "not_an_object", "The sidecar is no JSON object, and was not used."),
    _stop(
        "sidecar",
        "too_large",
        "The sidecar is larger or deeper than the limit, and was not used.",
        "max_sidecar_bytes",
    ),
    _flag("sidecar", "bad_sidecar", "Its sidecar could not be read, and was not used."),
    _stop("sidecar", "bad_field", "A field of the sidecar has a wrong value; it was not used."),
)
_LABELS = (
    _stop("labels", "bad_labels_file", "The labels file has no readable header line."),
    _flag("labels", "bad_label_line", "A line of the labels file was not understood, left out."),
)
_PROCESS = (
    _stop("process", "decoder_crashed", "The decoder crashed over it."),
    _stop("process", "timed_out", "It took longer than one file may."),
    _stop("process", "out_of_memory", "It took more memory than one file may."),
)

GATES: Mapping[str, Gate] = MappingProxyType(
    {
        gate.code: gate
        for gate in (
            *_FOLDER,
            *_DOOR,
            *_DECODE,
            *_CONTENT,
            *_SCREEN,
            *_SIDECAR,
            *_LABELS,
            *_PROCESS,
        )
    }
)
"""Code to gate."""
