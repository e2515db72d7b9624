"""Damage and garbage, put into a text in a known share and found again."""

from __future__ import annotations

import random
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mlops_assets.text import TextQuality, extract_document, measure_text
from mlops_assets.text.encodings import decode_text
from mlops_assets.text.language import tell_language

FRENCH = (
    "Les élèves ont été très étonnés par la façon dont le garçon a préparé la crème brûlée à "
    "l'été, où il était né. Voilà, dit-il, c'est ça, et rien n'est plus agréable qu'un goûter. "
)
GERMAN = (
    "Größere Straßen führen über die Brücke; das Mädchen hört schöne Töne aus der Küche und "
    "läuft durch die Gärten, bis es müde wird und sich auf die Bänke am Fluß setzt. "
)
RUSSIAN = "Съешь же ещё этих мягких французских булок, да выпей чаю, пока он ещё горячий. "
JAPANESE = "これは日本語の文章です。この映像を解析します。"
PUNCTUATED = (
    "See https://example.org/a/long/path?q=1&page=2#here, e-mail a.b@example.org; x86_64, UTF-8, "
    "H2O, 3.14, 2026-11-05T10:15:00Z, C++, $12.50, foo_bar(baz[0]), -----, =====, ... (v1.2.3) "
    "______________________ "
)


def damaged(text: str, share: float, how, rng: random.Random) -> tuple[str, float]:
    """Lines of which a share was read in a wrong encoding, and the share of wrong characters."""
    lines = [text] * 200
    bad = set(rng.sample(range(200), round(share * 200)))
    made = [how(line) if place in bad else line for place, line in enumerate(lines)]
    total = sum(len("".join(line.split())) for line in made)
    wrong = sum(sum(not one.isascii() for one in made[place]) for place in bad)
    return "\n".join(made), wrong / total


def latin(text: str) -> str:
    return text.encode().decode("cp1252", errors="replace")


def replaced(text: str) -> str:
    return "".join(one if one.isascii() else "\ufffd" for one in text)


@pytest.mark.parametrize("text", [FRENCH, GERMAN])
@pytest.mark.parametrize("how", [latin, replaced])
@pytest.mark.parametrize("share", [0.05, 0.3, 1.0])
def test_the_share_of_wrong_characters_is_found_again(text, how, share):
    made, truth = damaged(text, share, how, random.Random(1))
    assert measure_text([made]).damaged_share == pytest.approx(truth, rel=0.2)


@pytest.mark.parametrize("text", [FRENCH, GERMAN, RUSSIAN, JAPANESE, PUNCTUATED])
def test_good_text_of_any_kind_is_neither_damaged_nor_garbage(text):
    assert measure_text([text] * 3) == TextQuality(0.0, 0.0)


def test_cyrillic_read_as_western_is_damaged():
    assert measure_text([latin(RUSSIAN)]).damaged_share > 0.5


def signs(rng: random.Random) -> str:
    return "".join(rng.choice("~|^`$!?{}<>;%#") for _ in range(9))


def controls(rng: random.Random) -> str:
    return "".join(rng.choice("\x01\x02\x07\x90\ue000\u0378") for _ in range(9))


def consonants(rng: random.Random) -> str:
    return "".join(rng.choice("bcdfghjklmnpqrstvxz") for _ in range(9))


def blob(rng: random.Random) -> str:
    return "".join(rng.choice("ABCDEFGHIJabcdefghij0123456789") for _ in range(80))


def run(rng: random.Random) -> str:
    return rng.choice("aX0") * 30


@pytest.mark.parametrize("junk", [signs, controls, consonants, blob, run])
@pytest.mark.parametrize("share", [0.03, 0.3])
def test_the_share_of_garbage_is_found_again(junk, share):
    rng = random.Random(2)
    words = (FRENCH + GERMAN).split() * 40
    made = [junk(rng) if rng.random() < share else word for word in words]
    bad = sum(len(one) for one, word in zip(made, words, strict=True) if one is not word)
    truth = bad / sum(map(len, made))
    assert measure_text([" ".join(made)]).garbage_share == pytest.approx(truth, rel=0.1)


def test_a_line_over_and_over_is_garbage():
    lines = ["all work and no play makes a dull text"] * 500
    assert measure_text(["\n".join(lines)]).garbage_share > 0.9
    assert measure_text(["\n".join(["x = 1", "a heading of every page"] * 10)]).garbage_share == 0


def test_a_long_text_is_judged_by_stretches_of_all_of_it():
    half = FRENCH * 5_000
    assert measure_text([half, latin(half)]).damaged_share == pytest.approx(
        measure_text([latin(half)]).damaged_share / 2, rel=0.15
    )


@settings(max_examples=80, deadline=None)
@given(st.text(max_size=400))
def test_any_text_has_shares(text):
    quality = measure_text([text])
    assert 0 <= quality.damaged_share <= 1
    assert 0 <= quality.garbage_share <= 1


@pytest.mark.parametrize("piece", ["!" * 400 + "a", "1a", "ab", "\u0301e", "Ã", "_"])
def test_no_text_takes_long(piece):
    quality = measure_text(["a" + piece * (100_000 // len(piece))])  # seconds where it is quadratic
    assert 0 <= quality.garbage_share <= 1


def test_nothing_is_neither():
    assert measure_text([]) == measure_text(["", " \n"]) == TextQuality()


@pytest.mark.parametrize(
    ("data", "encoding", "told_by"),
    [
        (b"plain text", "ascii", "bytes"),
        (FRENCH.encode(), "utf-8", "bytes"),
        (b"\xef\xbb\xbf" + FRENCH.encode(), "utf-8-sig", "mark"),
        (FRENCH.encode("utf-16"), "utf-16", "mark"),
        (JAPANESE.encode("iso2022_jp"), "iso2022_jp_2", "escapes"),
        ((FRENCH * 3).encode("cp1252"), "cp1252", "guess"),
        ((RUSSIAN * 5).encode("cp1251"), "cp1251", "guess"),
        (replaced(FRENCH).encode(), "utf-8", "bytes"),
    ],
)
def test_it_is_said_what_told_the_encoding(data, encoding, told_by):
    told = decode_text(data, name="note.txt")
    assert (told.encoding, told.encoding_from) == (encoding, told_by)
    assert 0 < told.confidence <= 1
    assert told_by == "guess" or told.confidence == 1


def test_broken_bytes_make_it_less_sure():
    data = (FRENCH * 20).encode().replace("ç".encode(), b"\xc3", 2)
    told = decode_text(data, name="note.txt")
    assert (told.encoding, told.encoding_from) == ("utf-8", "bytes")
    assert 0.95 < told.confidence < 1


def test_a_document_says_how_well_it_was_read(tmp_path: Path):
    made, truth = damaged(FRENCH, 0.5, latin, random.Random(3))
    path = tmp_path / "note.txt"
    path.write_text(made, "utf-8")
    read = extract_document(path, name="note.txt")
    assert read.quality.damaged_share == pytest.approx(truth, rel=0.2)
    assert (read.language, read.encoding, read.encoding_from) == ("fr", "utf-8", "bytes")
    path.write_text("\ue000".join([FRENCH] * 40) + "\ue000" * 400, "utf-8")
    assert extract_document(path, name="note.txt").quality.garbage_share > 0.05


def test_how_sure_a_language_is_goes_from_nothing_to_one():
    assert tell_language(FRENCH * 3) == ("fr", pytest.approx(1, abs=0.01))
    assert tell_language("12 34") == ("", 0.0)
    language, sure = tell_language("Radio Video Foto Auto Kino")
    assert language
    assert sure < 0.9
