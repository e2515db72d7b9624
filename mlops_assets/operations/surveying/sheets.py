"""Which pictures a survey shows: some of each kind, and those that are dark, blurred, kept out."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping

from mlops_assets.gates.checking.looking import Look
from mlops_assets.operations.surveying.facts import Picture

_PICTURES = 12


def make_sheets(
    looks: Mapping[str, Look], *, dark: Collection[str], blurred: Collection[str]
) -> dict[str, tuple[Picture, ...]]:
    """Choose at most 12 pictures for each sheet, spread over those there are.

    Args:
        looks: by path.
        dark: paths of dark pictures.
        blurred: paths of blurred ones.

    Returns:
        Sheets in the order to be shown; one without pictures is left out. Files that are kept out
        have a place even where nothing of them can be shown.
    """
    stopped = [path for path, look in looks.items() if _reason(look)]
    odd = {*stopped, *dark, *blurred}
    shown = [path for path, look in looks.items() if look.thumbnail and path not in odd]
    sheets = {
        "images": [_picture(p, looks[p]) for p in _of_kind(shown, looks, "image")],
        "clips": [_picture(p, looks[p]) for p in _of_kind(shown, looks, "video")],
        "dark": [_picture(p, looks[p]) for p in _spread(dark)],
        "blurred": [_picture(p, looks[p]) for p in _spread(blurred)],
        "kept out": [_picture(p, looks[p]) for p in _spread(stopped)],
    }
    return {name: tuple(pictures) for name, pictures in sheets.items() if pictures}


def _of_kind(paths: Iterable[str], looks: Mapping[str, Look], kind: str) -> list[str]:
    return _spread(path for path in paths if looks[path].judged.kind == kind)


def _spread(paths: Iterable[str]) -> list[str]:
    """Every n-th by name, so that no folder takes all places."""
    ordered = sorted(paths)
    count = min(_PICTURES, len(ordered))
    return [ordered[place * len(ordered) // count] for place in range(count)]


def _reason(look: Look) -> str:
    return next((one.code for one in look.judged.findings if one.is_fatal), "")


def _picture(path: str, look: Look) -> Picture:
    return Picture(path, _reason(look).replace("_", " ") or _says(look), look.thumbnail)


def _says(look: Look) -> str:
    parts = [f"{look.width_px} x {look.height_px}" if look.width_px else "", look.codec]
    parts.append(f"{look.duration_s:.1f} s" if look.duration_s else "")
    return " · ".join(part for part in parts if part)
