"""A catalogue answers by what is in it, not by how it came there."""

from __future__ import annotations

import random

import numpy as np
import pytest

from mlops_assets.duplicates import Catalogue, Medium
from mlops_assets.duplicates import catalogue as module
from mlops_assets_tests.duplicates.rendered import jpeg_again, picture, seen

SCENES = 4


def medium(name, day="1", source="a", looks=1):
    return Medium((day, source), name, hash(name) % 1000, f"{day}{source}", looks)


def rows():
    """Four scenes, each landed on three days in three qualities."""
    for day in ("1", "2", "3"):
        for scene in range(SCENES):
            shown = jpeg_again(picture(scene), 20 + 20 * int(day))
            yield medium(f"{scene}/{day}", day), seen(shown).hashes


def filled(landed):
    found = Catalogue()
    for one, hashes in landed:
        found.add(f"{one.place}/{one.media_id}", [(one, hashes)])
    return found


def told(catalogue, day="3"):
    found = catalogue.candidates((day, "a"))
    return {one.media_id: [other.media_id for other in others] for one, others in found.items()}


EXPECTED = {f"{scene}/3": [f"{scene}/1", f"{scene}/2"] for scene in range(SCENES)}


def test_each_medium_has_the_earlier_ones_like_it():
    assert told(filled(rows())) == EXPECTED
    assert told(filled(rows()), "2") == {f"{s}/2": [f"{s}/1"] for s in range(SCENES)}
    assert told(filled(rows()), "1") == {}
    assert told(Catalogue()) == {}


@pytest.mark.parametrize("seed", range(5))
def test_the_order_of_landing_does_not_matter(seed):
    landed = list(rows())
    random.Random(seed).shuffle(landed)
    at_once = filled(landed)
    grown = Catalogue()
    for one, hashes in landed:
        grown.add(f"{one.place}/{one.media_id}", [(one, hashes)])
        told(grown)
    assert told(at_once) == told(grown) == EXPECTED


def test_what_is_dropped_is_no_candidate_any_more():
    found = filled(rows())
    told(found)
    gone = [file for file in found.files if "0/1" in file or "1/2" in file]
    found.drop(gone)
    assert told(found) == {**EXPECTED, "0/3": ["0/2"], "1/3": ["1/1"]}
    found.drop([file for file in found.files if not file.endswith("/3")])
    assert told(found) == {}
    assert len(found.files) == SCENES


def test_a_file_added_again_is_as_before():
    found = filled(rows())
    file, (one, hashes) = "('1', 'a')/0/1", next(rows())
    for _ in range(20):
        found.drop([file])
        found.add(file, [(one, hashes)])
    assert told(found) == EXPECTED


def test_media_of_one_place_are_ordered_by_id():
    shown = seen(picture(1)).hashes
    found = filled([(medium(name), shown) for name in ("c", "a", "b")])
    assert told(found, "1") == {"b": ["a"], "c": ["a", "b"]}


def test_a_full_list_is_found_anew_when_one_of_it_goes(monkeypatch):
    monkeypatch.setattr(module, "NEAREST_MAX", 2)
    shown = seen(picture(1)).hashes
    found = filled([*((medium(name), shown) for name in "abcd"), (medium("new", "2"), shown)])
    assert told(found, "2") == {"new": ["a", "b"]}
    found.drop([file for file in found.files if file.endswith("/a")])
    assert told(found, "2") == {"new": ["b", "c"]}


def test_the_nearest_are_kept_when_there_are_too_many(monkeypatch):
    monkeypatch.setattr(module, "NEAREST_MAX", 3)
    near = seen(picture(1)).hashes
    far = near ^ np.uint64(0b111111)
    landed = [(medium(f"far{n}"), far) for n in range(5)]
    landed += [(medium(f"near{n}"), near) for n in range(2)]
    found = filled([*landed, (medium("new", "2"), near)])
    assert told(found, "2") == {"new": ["far0", "near0", "near1"]}


def test_answers_that_were_let_go_are_found_again(monkeypatch):
    monkeypatch.setattr(module, "_HELD_MAX", 5)
    found = filled(rows())
    for _ in range(3):
        assert told(found) == EXPECTED
        assert told(found, "2") == {f"{s}/2": [f"{s}/1"] for s in range(SCENES)}
    assert len(found._found) == 1
