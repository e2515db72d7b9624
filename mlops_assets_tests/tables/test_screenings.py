"""Screenings: measures held against limits and history, again whenever one of them changes."""

from __future__ import annotations

import json

import numpy as np
import polars as pl
import pytest

from mlops_assets.errors import ConfigurationError
from mlops_assets.gates import GATES, Limits
from mlops_assets.gates.screening import codes_to_stop_on
from mlops_assets.lake import MEDIA, Lake, Partition, use_lake
from mlops_assets.rows import make_plan
from mlops_assets.rows.parameters import set_parameters
from mlops_assets.tables.decodings import decodings, frames
from mlops_assets.tables.documents import documents
from mlops_assets.tables.raw_media import raw_media
from mlops_assets.tables.screenings import (
    HISTORY,
    few_media_are_flagged,
    few_media_are_stopped,
    screenings,
    verdicts_have_findings,
    what_was_found,
    worst_media,
)
from mlops_assets.tables.sightings import sightings
from mlops_assets_tests.tables.planting import jpeg, plant, run

PRODUCER = screenings.producer
ORDINARY = {
    "brightness": 0.45,
    "contrast": 0.2,
    "sharpness": 300.0,
    "clipped_dark": 0.01,
    "clipped_bright": 0.01,
    "noise": 2.0,
    "blockiness": 0.05,
    "black_s": 0.0,
    "frozen_s": 0.0,
    "width_px": 1280,
    "height_px": 720,
    "duration_s": 10.0,
    "reasons": [],
}
DAY = MEDIA.of("camera-01", "2026-11-20")


def at(day: int, source: str = "camera-01") -> Partition:
    return MEDIA.of(source, f"2026-11-{day:02}")


def clip(name: str, **values) -> tuple[dict, dict]:
    """A video as the door saw it, and as the decode pass measured it."""
    door = {"kind": "video", "frame_rate_num": 25, "frame_rate_den": 1, "flags": [], "privacy": []}
    said = {
        key: values.pop(key)
        for key in list(values)
        if key in raw_media.schema and key not in ORDINARY
    }
    seen = {"path": f"{name}.mp4", "media_id": name, "status": "accepted", **door, **said}
    return seen, {"media_id": name, **ORDINARY, **values}


def text(name: str, **values) -> tuple[dict, dict]:
    """A document as the door saw it, and as it was read."""
    door = {"path": f"{name}.txt", "media_id": name, "status": "accepted", "kind": "document"}
    read = {
        "language": "de",
        "language_confidence": 1.0,
        "damaged_share": 0.0,
        "garbage_share": 0.0,
    }
    return {**door, "flags": [], "privacy": []}, {"media_id": name, **read, **values}


def land(lake: Lake, day: Partition, *clips, texts=(), others=()) -> None:
    """Put media in the place of those a day has, none with faces in it, and judge them."""
    plant(lake, raw_media, [*(one[0] for one in (*clips, *texts)), *others], day)
    plant(lake, decodings, [one[1] for one in clips if one[1]], day)
    plant(lake, documents, [one[1] for one in texts], day)
    seen = {"privacy": "clear", "flags": [], "evidence": []}
    names = [one[1]["media_id"] for one in clips if one[1]]
    shown = [{"frame_id": f"{name}#0", "media_id": name, **seen} for name in names]
    plant(lake, sightings, shown, day)
    run(lake, screenings, day)


def day_of(seed: int, count: int = 40, **scaled) -> list[tuple[dict, dict]]:
    """Clips of a camera whose light and sharpness vary; `scaled` are factors."""
    rng = np.random.default_rng(seed)
    made = []
    for number in range(count):
        spread = {name: float(np.exp(rng.normal(0, 0.15))) for name in ("brightness", "sharpness")}
        values = {
            name: ORDINARY[name] * spread.get(name, 1) for name in ("brightness", "sharpness")
        }
        values = {name: value * scaled.get(name, 1) for name, value in values.items()}
        made.append(clip(f"day{seed:02}-{number:03}", **values))
    return made


def rows_of(lake: Lake, day: Partition = DAY) -> dict[str, dict]:
    rows = screenings.rows(lake, day).collect()
    return {row["media_id"]: row for row in rows.iter_rows(named=True)}


def due(lake: Lake, day: Partition = DAY) -> dict[str, int]:
    return make_plan(PRODUCER, lake, day).counts


def stated(lake: Lake, source: str = "*", **values) -> None:
    set_parameters(PRODUCER, lake, values, source=source, by="test")


CASES = [
    ({"brightness": 0.03}, "too_dark", "too dark: mean brightness 0.03; limit 0.05"),
    ({"brightness": 0.97}, "too_bright", "too bright: mean brightness 0.97; limit 0.95"),
    ({"contrast": 0.01}, "low_contrast", "low contrast: contrast 0.01; limit 0.02"),
    ({"sharpness": 4.0}, "blurred", "blurred: sharpness 4; limit 10"),
    ({"clipped_dark": 0.8}, "clipped_dark", "clipped dark: black share 80%; limit 70%"),
    ({"clipped_bright": 0.6}, "clipped_bright", "clipped bright: white share 60%; limit 50%"),
    ({"noise": 20.0}, "noisy", "noisy: grain 20.0 levels; limit 12.0 levels"),
    ({"blockiness": 1.2}, "blocky", "blocky: blockiness 1.20; limit 0.50"),
    ({"black_s": 7.5}, "mostly_black", "mostly black: black time 75%; limit 50%"),
    ({"frozen_s": 9.0}, "mostly_frozen", "mostly frozen: frozen time 90%; limit 80%"),
    (
        {"width_px": 2000, "height_px": 200},
        "odd_aspect",
        "odd aspect: longer side over shorter 10; limit 4",
    ),
    (
        {"width_px": 60, "height_px": 48},
        "below_resolution",
        "below resolution: shorter side 48 px; limit 64 px",
    ),
    (
        {"width_px": 12_000, "height_px": 12_000},
        "above_resolution",
        "above resolution: shorter side 12000 px; limit 10000 px",
    ),
    ({"frame_rate_den": 50}, "below_rate", "below rate: rate 0.5 a second; limit 1 a second"),
    (
        {"frame_rate_num": 480},
        "above_rate",
        "above rate: rate 480 a second; limit 300 a second",
    ),
]


def test_each_gate_says_what_was_measured_and_the_limit(lake):
    bad = [clip(code, **values) for values, code, _ in CASES]
    land(lake, DAY, clip("good"), *bad)

    rows = rows_of(lake)

    assert (rows["good"]["verdict"], rows["good"]["findings"]) == ("clear", [])
    for _, code, message in CASES:
        row = rows[code]
        assert (row["verdict"], row["findings"], row["messages"]) == ("flagged", [code], [message])
        assert row["policy"] == "open"


def test_texts_are_judged_by_their_own_measures(lake):
    stated(lake, languages="de, fr")
    land(
        lake,
        DAY,
        texts=[
            text("good"),
            text("broken", damaged_share=0.2),
            text("junk", garbage_share=0.5),
            text("english", language="en"),
            text("perhaps-english", language="en", language_confidence=0.6),
            text("short", language="", language_confidence=0.0),
        ],
    )

    rows = rows_of(lake)

    assert {name: row["findings"] for name, row in rows.items() if row["findings"]} == {
        "broken": ["damaged_encoding"],
        "junk": ["garbled_text"],
        "english": ["unexpected_language"],
    }
    assert rows["english"]["messages"] == ["unexpected language: en; expected de or fr"]
    assert rows["broken"]["messages"] == ["damaged encoding: damaged characters 20.0%; limit 1.0%"]


def test_what_was_told_before_is_a_finding_too(lake):
    seen, measured = clip("clip", flags=["interlaced"], reasons=["truncated", "interlaced"])
    land(lake, DAY, (seen, measured))

    row = rows_of(lake)["clip"]

    assert row["findings"] == ["interlaced", "truncated"]
    assert row["messages"] == [GATES["interlaced"].says, GATES["truncated"].says]


def test_what_a_filter_found_is_told_with_its_proof(lake):
    proof = {"flags": ["hidden_characters"], "evidence": ["12 characters of no width"]}
    partly = {"flags": ["hidden_characters", "pages_lost"], "evidence": ["of one only"]}
    good = text("good", flags=[], evidence=[])
    land(lake, DAY, texts=[good, text("bad", **proof), text("partly", **partly)])

    rows = rows_of(lake)

    assert rows["good"]["findings"] == []
    assert rows["bad"]["findings"] == ["hidden_characters"]
    assert rows["bad"]["messages"][0].endswith("(12 characters of no width)")
    assert rows["partly"]["messages"] == [GATES[code].says for code in partly["flags"]]


def test_a_silent_track_is_told_of_clips_and_sounds_with_sound(lake):
    loud, silent = clip("loud", sound_level_db=-10.0), clip("silent", sound_level_db=-90.0)
    sound = {"path": "a.mp3", "media_id": "a", "status": "accepted", "kind": "audio"}
    none = {"width_px": 0, "height_px": 0, "duration_s": 3.0, "black_s": 0.0, "frozen_s": 0.0}
    measured = {"media_id": "a", "sound_level_db": -90.0, "reasons": [], **none}
    land(lake, DAY, loud, silent, clip("mute"), (sound, measured))

    found = {name: row["findings"] for name, row in rows_of(lake).items()}

    assert found == {"loud": [], "mute": [], "silent": ["silent_audio"], "a": ["silent_audio"]}
    assert rows_of(lake)["a"]["short_side_px"] is None


def test_what_nothing_was_measured_of_is_not_clear(lake):
    sound = {"path": "a.mp3", "media_id": "a", "status": "accepted", "kind": "audio"}
    land(lake, DAY, (clip("waiting")[0], {}), others=[sound])

    told = {name: row["findings"] for name, row in rows_of(lake).items()}

    assert told == {"waiting": ["not_measured"], "a": ["not_measured"]}


def test_only_what_is_let_in_has_a_row(lake):
    refused, measured = clip("refused", status="quarantined")
    labels = {"path": "labels.csv", "media_id": "l", "status": "accepted", "kind": "labels"}
    land(lake, DAY, clip("good"), (refused, measured), others=[labels])

    assert list(rows_of(lake)) == ["good"]


def test_codes_named_to_stop_on_withhold_a_medium_but_not_one_a_person_released(lake):
    stated(lake, stop_on="too_dark, truncated")
    land(
        lake,
        DAY,
        clip("dark", brightness=0.01),
        clip("cut", reasons=["truncated"]),
        clip("soft", sharpness=1.5),
        clip("released", brightness=0.01, ruling="released"),
        clip("private", privacy=["faces"]),
        clip("both", privacy=["faces"], brightness=0.01),
    )

    told = {name: (row["verdict"], row["policy"]) for name, row in rows_of(lake).items()}

    assert told == {
        "dark": ("stopped", "withheld"),
        "cut": ("stopped", "withheld"),
        "soft": ("flagged", "open"),
        "released": ("flagged", "open"),
        "private": ("clear", "private"),
        "both": ("stopped", "withheld"),
    }


def test_a_code_that_does_not_exist_is_refused_when_it_is_stated(lake):
    with pytest.raises(ConfigurationError, match="stop_on names 'to_dark'"):
        stated(lake, stop_on="too_bright,to_dark")
    with pytest.raises(ConfigurationError, match="too_dark"):
        codes_to_stop_on("to_dark")
    assert codes_to_stop_on(" too_dark,blurred , too_dark") == ["too_dark", "blurred"]


def test_a_new_threshold_judges_again_and_decodes_nothing(lake):
    land(lake, DAY, clip("dusk", brightness=0.1), clip("day"))
    assert rows_of(lake)["dusk"]["findings"] == []
    before = decodings.rows(lake, DAY).collect()

    stated(lake, "camera-01", min_brightness=0.2)

    assert due(lake) == {"params": 1}
    run(lake, screenings, DAY)
    assert rows_of(lake)["dusk"]["findings"] == ["too_dark"]
    assert rows_of(lake)["day"]["findings"] == []
    assert decodings.rows(lake, DAY).collect().equals(before)
    assert due(lake) == {}


def test_the_defaults_of_the_parameters_are_those_of_the_limits():
    named = [gate for gate in GATES.values() if gate.stage == "screen" and gate.limit]
    for gate in named:
        parameter = PRODUCER.parameters[gate.limit]
        assert parameter.default is None
        value = getattr(Limits(), gate.limit)
        assert f"none: {value:,g}" in parameter.description
        assert gate.parameter == f"screenings.{gate.limit}"
    assert len(named) == 17


@pytest.fixture
def week(lake: Lake) -> Lake:
    """Three days of one camera."""
    for day in (1, 2, 3):
        land(lake, at(day), *day_of(day))
    return lake


def test_the_history_is_that_of_the_days_before(week):
    first, third = rows_of(week, at(1)), rows_of(week, at(3))

    told = {(r["history_from"], r["history_to"], r["history_media"]) for r in third.values()}
    assert told == {("2026-11-01", "2026-11-02", 80)}
    told = {(r["history_from"], r["history_to"], r["history_media"]) for r in first.values()}
    assert told == {(None, None, 0)}
    assert {row["verdict"] for row in third.values()} == {"clear"}


def test_a_camera_that_changed_is_unusual_and_the_message_says_in_what(week):
    land(week, at(4), *day_of(4, brightness=0.25, sharpness=0.2))

    rows = rows_of(week, at(4))

    assert {tuple(row["findings"]) for row in rows.values()} == {("unusual",)}
    row = rows["day04-000"]
    assert len(row["messages"]) == 2
    assert row["messages"][0].startswith(
        f"unusual: mean brightness {row['brightness']:.2g}; usually "
    )
    assert row["messages"][1].startswith("unusual: sharpness ")


def test_without_adaptation_the_limits_alone_decide(week):
    stated(week, adaptive=False)
    land(week, at(4), *day_of(4, brightness=0.25))

    rows = rows_of(week, at(4))

    assert {row["verdict"] for row in rows.values()} == {"clear"}
    assert {row["history_media"] for row in rows.values()} == {0}


def test_a_night_source_is_dark_until_its_history_says_so(lake):
    for day in (1, 2, 3):
        land(lake, at(day), *day_of(day, brightness=0.07))
    first, third = rows_of(lake, at(1)), rows_of(lake, at(3))
    assert {tuple(row["findings"]) for row in first.values()} == {("too_dark",)}
    assert {row["verdict"] for row in third.values()} == {"clear"}


def test_a_limit_a_person_stated_holds_whatever_the_history_says(lake):
    stated(lake, "camera-01", min_brightness=0.06)
    for day in (1, 2, 3):
        land(lake, at(day), *day_of(day, brightness=0.07))
    third = rows_of(lake, at(3))
    assert {tuple(row["findings"]) for row in third.values()} == {("too_dark",)}
    assert all("limit 0.06" in row["messages"][0] for row in third.values())


def test_no_history_makes_a_black_picture_usual(lake):
    for day in (1, 2, 3):
        land(lake, at(day), *day_of(day, brightness=0.01))
    assert {tuple(row["findings"]) for row in rows_of(lake, at(3)).values()} == {("too_dark",)}


def test_images_and_clips_have_a_history_each(week):
    image = clip("still", kind="image", brightness=0.1, frame_rate_num=None)
    land(week, at(4), *day_of(4), image)

    row = rows_of(week, at(4))["still"]

    assert (row["history_media"], row["findings"]) == (0, [])
    assert row["rate_hz"] is None


def test_a_language_nobody_used_before_is_unexpected(lake):
    for day in (1, 2):
        land(lake, at(day), texts=[text(f"{day}-{number}") for number in range(30)])
    land(lake, at(3), texts=[text("same"), text("new", language="fi")])

    rows = rows_of(lake, at(3))

    assert rows["same"]["findings"] == []
    assert rows["new"]["messages"] == ["unexpected language: fi; usually de"]


def test_nothing_is_due_twice_and_a_later_day_changes_no_earlier_one(week):
    assert [due(week, at(day)) for day in (1, 2, 3)] == [{}] * 3
    land(week, at(9), *day_of(9))
    assert [due(week, at(day)) for day in (1, 2, 3, 9)] == [{}] * 4


def test_a_changed_day_makes_due_only_those_whose_history_it_is(week, monkeypatch):
    monkeypatch.setattr(HISTORY, "enough_rows", 40)
    run(week, screenings, at(3))
    land(week, at(1), *day_of(11))
    assert [due(week, at(day)) for day in (2, 3)] == [{"params": 1}, {}]


def test_a_history_is_no_longer_than_it_may_be(lake, monkeypatch):
    monkeypatch.setattr(HISTORY, "most_partitions", 2)
    for day in (1, 2, 3, 4):
        land(lake, at(day), *day_of(day, 5))
    (version,) = set(screenings.rows(lake, at(4)).collect()["_ver"])
    history = json.loads(version.partition("|")[2])["history"]
    assert history.startswith("2026-11-02..2026-11-03#")


def test_another_source_does_not_matter(week):
    land(week, at(2, "camera-02"), *day_of(7, brightness=0.1))
    assert due(week, at(3)) == {}


def test_any_order_of_bringing_ends_in_the_same_rows(week, tmp_path):
    other = Lake.at(str(tmp_path / "other"))
    for day in (3, 2, 1):
        land(other, at(day), *day_of(day))
    for _ in range(3):
        for day in (3, 2, 1):
            if due(other, at(day)):
                run(other, screenings, at(day))
    assert [due(other, at(day)) for day in (1, 2, 3)] == [{}] * 3
    for day in (1, 2, 3):
        assert rows_of(other, at(day)) == rows_of(week, at(day))


def test_checks_find_what_is_flagged_stopped_or_unexplained(lake):
    stated(lake, stop_on="blurred")
    clips = [clip(f"good{number}") for number in range(5)]
    land(lake, DAY, *clips, clip("soft", sharpness=1.0), clip("dark", brightness=0.02))
    rows = screenings.rows(lake, DAY)

    assert few_media_are_flagged.offending(rows).collect().height == 2
    assert few_media_are_stopped.offending(rows).collect()["media_id"].to_list() == ["soft"]
    assert verdicts_have_findings.offending(rows).collect().is_empty()
    wrong = rows.with_columns(verdict=pl.lit("clear"))
    assert verdicts_have_findings.offending(wrong).collect().height == 2
    land(lake, DAY, *clips, *[clip(f"more{number}") for number in range(6)], clip("x", sharpness=1))
    rows = screenings.rows(lake, DAY)
    assert few_media_are_flagged.offending(rows).collect().is_empty()
    assert few_media_are_stopped.offending(rows).collect().is_empty()


def test_a_summary_counts_verdicts_and_codes(lake):
    land(lake, DAY, clip("a"), clip("b", brightness=0.02), clip("c", brightness=0.02, noise=40))
    assert what_was_found(screenings.rows(lake, DAY)) == {
        "clear": 1,
        "flagged": 2,
        "stopped": 0,
        "too_dark": 2,
        "noisy": 1,
    }


def test_the_picture_shows_what_may_be_seen(lake):
    picture = jpeg(np.full((48, 64, 3), 10, np.uint8))
    land(
        lake,
        DAY,
        clip("good"),
        clip("dark", brightness=0.02),
        clip("private", brightness=0.02, privacy=["faces"]),
        (clip("waiting")[0], {}),
    )
    kept = [
        {"frame_id": f"{name}#000000", "media_id": name, "index": 0, "jpeg": picture}
        for name in ("good", "dark", "private")
    ]
    plant(lake, frames, kept, DAY)
    rows = screenings.rows(lake, DAY)

    with use_lake(lake):
        sheet = worst_media(rows)
        assert sheet is not None
        assert sheet.startswith(b"\xff\xd8")
        assert worst_media(rows.filter(media_id="private")) is None
        assert worst_media(rows.filter(media_id="waiting")) is None
        assert worst_media(rows.filter(media_id="good")) is None


def test_what_may_show_a_face_is_private(lake: Lake):
    """One frame is enough, one of which nobody can say is enough, and no look at all is."""
    seen = {"clear": ["clear", "clear"], "found": ["clear", "found"], "dark": ["unknown", "clear"]}
    land(lake, DAY, *[clip(name) for name in (*seen, "unseen")], texts=[text("letter")])
    rows = [
        {"frame_id": f"{name}#{place}", "media_id": name, "privacy": one, "flags": []}
        for name, verdicts in seen.items()
        for place, one in enumerate(verdicts)
    ]
    plant(lake, sightings, rows, DAY)
    run(lake, screenings, DAY)
    told = {name: row["policy"] for name, row in rows_of(lake).items()}
    private = dict.fromkeys(("found", "dark", "unseen"), "private")
    assert told == {"clear": "open", "letter": "open", **private}


def test_text_hidden_in_a_frame_is_found_with_its_proof_and_can_stop(lake: Lake):
    land(lake, DAY, clip("sign"), clip("other"))
    hidden = {"flags": ["hidden_text"], "evidence": ["faint text at (3, 4)"], "privacy": "clear"}
    plant(
        lake,
        sightings,
        [{"frame_id": f"sign#{n}", "media_id": "sign", **hidden} for n in (0, 1)],
        DAY,
    )
    run(lake, screenings, DAY)
    row = rows_of(lake)["sign"]
    assert (row["verdict"], row["findings"]) == ("flagged", ["hidden_text"])
    assert "faint text at (3, 4)" in row["messages"][0]
    stated(lake, stop_on="hidden_text")
    run(lake, screenings, DAY)
    row = rows_of(lake)["sign"]
    assert (row["verdict"], row["policy"]) == ("stopped", "withheld")
