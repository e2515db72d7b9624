"""Content filters: how many items they find and how many they make up, on what was held out."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from benchmarks.content import files, pictures, sounds
from benchmarks.measuring import Options
from benchmarks.results import Figure, Result

METHOD = """Each filter on items with and without what it looks for, made from a seed in two halves:
`tuned`, on which word lists and thresholds were chosen, and `held_out`: other phrases (13 scripts
and languages), fonts, grounds, carriers, file formats and page templates, written before it was
measured. Pictures are stored as JPEG of quality 90 first, as a model is shown them; faint text has
a contrast of 5 to 20 levels of 255 and 14 to 40 points. Negatives are hard ones: texts about
injections, orders among people, scripts that need unseen characters, visible captions, coloured
noise, motion photos, hidden menus; of documents also those of this repository. Precision is that on
about as many items with as without. The figure is 1 - precision and 1 - recall, held out."""

HERE = Path(__file__).parent
SPLIT = ("\u200b", "\u2060", "\u200d", "\U000e0020", "\ufe01")


@dataclass(frozen=True)
class Counts:
    """Of one filter on one half."""

    found: int
    missed: int
    made_up: int
    harmless: int

    @property
    def precision(self) -> float:
        """Share of the finds that are right; 1 without finds."""
        return self.found / max(1, self.found + self.made_up)

    @property
    def recall(self) -> float:
        """Share of what is there that is found."""
        return self.found / max(1, self.found + self.missed)


def run(options: Options) -> Result:
    """Measure it."""
    counts = {half: _half(options, half) for half in ("tuned", "held_out")}
    figures = []
    for name, told in counts["held_out"].items():
        figures.append(Figure(f"{name}: 1 - precision", 1 - told.precision, "", 0.1))
        figures.append(Figure(f"{name}: 1 - recall", 1 - told.recall, "", 0.1))
    details: dict[str, Any] = {
        f"{half}: {name}": vars(told) for half, one in counts.items() for name, told in one.items()
    }
    if options.clips is not None:
        details["false_alarms_on_real_media"] = real_media(options.clips)
    return Result("content_filters", METHOD, tuple(figures), details)


def real_media(folder: Path) -> dict[str, list[str]]:
    """What the filters say of a folder of ordinary media: file to codes and evidence."""
    from mlops_assets.gates.checking import check_folder

    ours = {
        *("polyglot", "hidden_characters", "bidirectional_text", "homoglyphs", "prompt_injection"),
        *("hidden_in_markup", "hidden_text", "silent_audio", "ultrasonic_audio"),
    }
    rows = check_folder(folder)
    return {row.path: [row.message] for row in rows if ours & set(row.flags)}


def _half(options: Options, half: str) -> dict[str, Counts]:
    phrases = json.loads((HERE / "content" / f"{half}.json").read_text("utf-8"))
    count = 8 if options.quick else 32
    return {
        "prompt_injection": _texts("prompt_injection", phrases["injections"], phrases["harmless"]),
        "hidden_characters": _texts(
            "hidden_characters", _split(phrases["injections"]), _documents(phrases["harmless"])
        ),
        "bidirectional_text": _texts(
            "bidirectional_text", _turned(phrases["injections"]), _documents(phrases["harmless"])
        ),
        "homoglyphs": _texts(
            "homoglyphs", _disguised(phrases["injections"]), _documents(phrases["harmless"])
        ),
        "hidden_text": _pictures(options, half, phrases, count),
        "hidden_in_markup": _markup(options, half, phrases),
        "polyglot": _polyglots(options, half, count),
        **_sounds(options, half, count),
    }


def _texts(code: str, bad: Iterable[str], good: Iterable[str]) -> Counts:
    from mlops_assets.filters import read_text

    return _counted(lambda text: code in {one.code for one in read_text(text)}, bad, good)


def _counted(finds: Callable[[Any], bool], bad: Iterable[Any], good: Iterable[Any]) -> Counts:
    there = [finds(item) for item in bad]
    harmless = [finds(item) for item in good]
    return Counts(sum(there), len(there) - sum(there), sum(harmless), len(harmless))


def _documents(harmless: list[str]) -> list[str]:
    """Harmless lines, and the documents and programs of this repository."""
    root = HERE.parent
    papers = [*root.glob("*.md"), *(root / "docs").rglob("*.md"), *root.glob("mlops_assets/*/*.py")]
    return [*harmless, *(path.read_text("utf-8") for path in sorted(papers)[:60])]


def _split(phrases: list[str]) -> list[str]:
    """Words split by unseen characters, sentences written in tags or selectors."""
    made = []
    for number, phrase in enumerate(phrase for phrase in phrases if phrase.isascii()):
        if number % 3 == 0:
            made.append("Hello" + "".join(chr(0xE0000 + ord(char)) for char in phrase))
        elif number % 3 == 1:
            made.append("Nice! \U0001f600" + "".join(chr(0xE0100 + ord(char)) for char in phrase))
        else:
            mark = SPLIT[number // 3 % 3]
            made.append(" ".join(word[:2] + mark + word[2:] for word in phrase.split()))
    return made


def _turned(phrases: list[str]) -> list[str]:
    """Sentences that show in another order than they run."""
    frames = (
        "x = '{}\u202e \u2066'",
        "/*\u202e {} */",
        "\u2067{}\u2069 \u2066ok",
        "a \u202d{}\u202c b",
    )
    plain = [phrase.replace("\n", " ") for phrase in phrases if phrase.isascii()]
    return [frames[number % len(frames)].format(phrase) for number, phrase in enumerate(plain)]


def _disguised(phrases: list[str]) -> list[str]:
    """Sentences with Cyrillic or Greek letters in two or more Latin words."""
    twins = str.maketrans({"a": "\u0430", "o": "\u043e", "e": "\u0435"})
    others = str.maketrans({"o": "\u03bf", "c": "\u0441", "p": "\u0440"})
    made = []
    for number, phrase in enumerate(phrase for phrase in phrases if phrase.isascii()):
        other = phrase.translate(others if number % 2 else twins)
        words = [word for word in other.split() if not word.isascii() and len(word) > 3]
        if len(words) > 1:
            made.append(other)
    return made


def _pictures(options: Options, half: str, phrases: dict[str, list[str]], count: int) -> Counts:
    from mlops_assets.filters import find_hidden_text

    bad = pictures.hidden(half, phrases["injections"], count, options.seed)
    good = pictures.visible(half, phrases["harmless"], count, options.seed)
    return _counted(lambda picture: bool(find_hidden_text(picture)), bad, good)


def _markup(options: Options, half: str, phrases: dict[str, list[str]]) -> Counts:
    folder = options.folder(f"pages-{half}")
    orders = [
        one for one in phrases["injections"] if one.isascii() and len(one) > 30 and "<" not in one
    ]
    harmless = [one for one in phrases["harmless"] if one.isascii() and "<" not in one]
    ways = ("invisible", "white", "tiny")
    bad = [html.format(text) for html in files.HIDDEN_HTML[half] for text in orders[:12]]
    good = [html.format(text) for html in files.PLAIN_HTML[half] for text in harmless[:14]]
    pages = [files.pdf_page(text, how=ways[at % 3]) for at, text in enumerate(orders)]
    plain = [
        files.pdf_page(text, how=("plain", "on_black")[at % 2]) for at, text in enumerate(harmless)
    ]

    def finds(item: str | bytes) -> bool:
        raw = item if isinstance(item, bytes) else b"<html>" + item.encode()
        return "hidden_in_markup" in _codes_of_document(folder / "page", raw)

    return _counted(finds, [*bad, *pages], [*good, *plain])


def _codes_of_document(path: Path, raw: bytes) -> set[str]:
    from mlops_assets.filters import inspect_document
    from mlops_assets.text import extract_document

    path.write_bytes(raw)
    read = extract_document(path, name="page")
    return {one.code for one in inspect_document(path, read, name="page")}


def _polyglots(options: Options, half: str, count: int) -> Counts:
    from mlops_assets.filters import polyglot

    path = options.folder(f"files-{half}") / "file"

    def finds(raw: bytes) -> bool:
        path.write_bytes(raw)
        return polyglot(path, "image") is not None

    bad = files.two_kinds(half, count, options.seed)
    return _counted(finds, bad, files.one_kind(half, count, options.seed))


def _sounds(options: Options, half: str, count: int) -> dict[str, Counts]:
    from mlops_assets.filters import judge_sound
    from mlops_assets.media.sounds import measure_sound

    path = options.folder(f"sounds-{half}") / "sound.wav"

    def codes(item: tuple[sounds.Sound, int]) -> set[str]:
        sounds.write(path, *item)
        levels = measure_sound(path)
        return {one.code for one in judge_sound(levels)} if levels else set()

    def counted(code: str, bad: Iterable[tuple[sounds.Sound, int]]) -> Counts:
        good = sounds.ordinary(half, count, options.seed)
        return _counted(lambda item: code in codes(item), bad, good)

    return {
        "silent_audio": counted("silent_audio", sounds.silent(half, count, options.seed)),
        "ultrasonic_audio": counted(
            "ultrasonic_audio", sounds.ultrasonic(half, count, options.seed)
        ),
    }
