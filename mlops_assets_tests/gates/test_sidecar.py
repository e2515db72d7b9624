from __future__ import annotations

import json
import time
from datetime import UTC, datetime

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mlops_assets.errors import InputError
from mlops_assets.gates import Sidecar, SidecarLabel, is_labels_file, read_labels_csv, read_sidecar

MOMENT = datetime(2026, 11, 5, 9, 15, tzinfo=UTC)
JSON = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**53), 2**53)
    | st.text(st.characters(codec="utf-8")),
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3)
    ),
    max_leaves=8,
)


def reason(raw: bytes) -> str:
    with pytest.raises(InputError) as caught:
        read_sidecar(raw)
    return caught.value.reason


def test_every_field_is_read_and_the_rest_is_kept():
    said = read_sidecar(
        json.dumps(
            {
                "captured_at": "2026-11-05T10:15:00+01:00",
                "device": " cam-1 ",
                "caption": "A gate.",
                "tags": ["a", "b", "a", " "],
                "labels": [
                    "cat",
                    {"label": "dog", "annotator": "eve", "labelled_at": "2026-11-05T09:15Z"},
                ],
                "label": "cow",
                "privacy": "faces",
                "site": {"row": [1, 2.5]},
            }
        ).encode("utf-8-sig")
    )
    assert said == Sidecar(
        captured_at=MOMENT,
        device="cam-1",
        caption="A gate.",
        tags=["a", "b"],
        labels=[SidecarLabel("cat"), SidecarLabel("dog", "eve", MOMENT), SidecarLabel("cow")],
        privacy=["faces"],
        extra={"site": {"row": [1, 2.5]}},
    )


def test_an_empty_object_says_nothing():
    assert read_sidecar(b"{}") == Sidecar()
    assert read_sidecar(b'{"captured_at": "", "label": "", "tags": null}') == Sidecar()


def test_a_time_without_a_zone_is_utc_and_of_a_repeated_key_the_last_counts():
    raw = b'{"captured_at": "x", "captured_at": "2026-11-05T09:15:00"}'
    assert read_sidecar(raw).captured_at == MOMENT


def test_half_a_surrogate_pair_becomes_storable():
    said = read_sidecar(b'{"caption": "a\\ud800b", "x\\udc00": ["\\ud83d\\ude00"]}')
    assert said.caption == "a\ufffdb"
    assert said.extra == {"x\ufffd": ["\U0001f600"]}


@pytest.mark.parametrize(
    ("raw", "code"),
    [
        (b"", "invalid_json"),
        (b"{'a': 1}", "invalid_json"),
        (b"\xff\xfe{}", "invalid_json"),
        (b'{"a": NaN}', "invalid_json"),
        (b'{"a": 1e999}', "invalid_json"),
        (b'{"a": ' + b"9" * 5_000 + b"}", "invalid_json"),
        (b'"text"', "not_an_object"),
        (b"null", "not_an_object"),
        (b"[" * 100_000, "too_large"),
        (b'{"a":' * 40 + b"1" + b"}" * 40, "too_large"),
        (b" " * 1_000_001, "too_large"),
    ],
)
def test_what_is_no_sidecar_is_refused_with_the_reason(raw, code):
    assert reason(raw) == code


def test_brackets_inside_texts_are_no_depth():
    assert read_sidecar(b'{"a": "' + b"[" * 100 + b'\\""}').extra["a"] == "[" * 100 + '"'


def test_no_sidecar_makes_the_depth_check_slow():
    began = time.perf_counter()
    for raw in (b'"' + b'\\"' * 499_000, b'"' * 999_999, b"\\" * 999_999, b'{"' + b"[" * 999_000):
        with pytest.raises(InputError):
            read_sidecar(raw)
    assert time.perf_counter() - began < 5.0


@pytest.mark.parametrize(
    ("raw", "field"),
    [
        (b'{"captured_at": 3}', "captured_at is 3"),
        (b'{"captured_at": "yesterday"}', "captured_at is 'yesterday'"),
        (b'{"captured_at": "0001-01-01T00:00:00+14:00"}', "captured_at is"),
        (b'{"device": []}', "device is []"),
        (b'{"tags": ["a", 1]}', "tags[1] is 1"),
        (b'{"labels": [{"annotator": "eve"}]}', "labels[0] is"),
        (
            b'{"labels": ["cat", {"label": "dog", "labelled_at": "x"}]}',
            "labels[1].labelled_at is 'x'",
        ),
        (b'{"labels": 4}', "labels is 4"),
    ],
)
def test_a_bad_field_is_named_with_its_value_and_what_is_right(raw, field):
    with pytest.raises(InputError) as caught:
        read_sidecar(raw)
    assert caught.value.reason == "bad_field"
    assert str(caught.value).startswith(field)
    assert "; expected " in str(caught.value)


@settings(max_examples=60, deadline=None)
@given(
    st.dictionaries(
        st.text(st.characters(codec="utf-8"), max_size=8).map("x".__add__), JSON, max_size=4
    )
)
def test_other_fields_come_back_as_they_were(fields):
    assert read_sidecar(json.dumps(fields).encode()).extra == fields


@settings(max_examples=60, deadline=None)
@given(st.binary(max_size=60) | JSON.map(lambda value: json.dumps(value).encode()))
def test_any_bytes_are_a_sidecar_or_an_input_error(raw):
    try:
        outcome = read_sidecar(raw)
    except InputError as err:
        outcome = err.reason
    codes = ("invalid_json", "not_an_object", "too_large", "bad_field")
    assert isinstance(outcome, Sidecar) or outcome in codes


def test_a_labels_file_gives_its_lines_and_its_problems():
    raw = (
        b"\xef\xbb\xbfPath, label ,annotator,labelled_at,other\r\n"
        b"a.jpg,cat,eve,2026-11-05T09:15:00Z,1\r\n"
        b"\r\n"
        b'"sub\\b, c.jpg",dog\r\n'
        b"../up.jpg,cat\r\n"
        b"/etc/passwd,cat\r\n"
        b"d.jpg,\r\n"
        b"e.jpg,cat,eve,never\r\n"
    )
    found = read_labels_csv(raw)
    assert [(one.path, one.label, one.annotator, one.line) for one in found.lines] == [
        ("a.jpg", "cat", "eve", 2),
        ("sub/b, c.jpg", "dog", None, 4),
    ]
    assert found.lines[0].labelled_at == MOMENT
    assert [problem.line for problem in found.problems] == [5, 6, 7, 8]


def test_semicolons_of_spreadsheets_are_understood():
    assert read_labels_csv(b"path;label\na,b.jpg;cat\n").lines[0].path == "a,b.jpg"


def test_an_endless_quote_is_a_problem_and_no_loss():
    found = read_labels_csv(b'path,label\na,b\n"' + b"x" * 200_000 + b"\nc,d\n")
    assert [line.path for line in found.lines][:1] == ["a"]
    assert found.problems


@pytest.mark.parametrize("raw", [b"", b"\n\n", b"a.jpg,cat\n", b"path\na\n", b"\xff\xfe\0\0"])
def test_a_labels_file_without_its_columns_is_refused(raw):
    with pytest.raises(InputError) as caught:
        read_labels_csv(raw)
    assert caught.value.reason == "bad_labels_file"


@settings(max_examples=60, deadline=None)
@given(st.binary(max_size=120))
def test_every_line_is_a_label_or_a_problem(body):
    try:
        lines = read_labels_csv(b"path,label\n" + body).lines
    except InputError as err:
        reason, lines = err.reason, []
    else:
        reason = "bad_labels_file"
    assert reason == "bad_labels_file"
    assert all(line.path and line.label for line in lines)


def test_only_the_exact_name_is_a_labels_file():
    assert is_labels_file("labels.csv")
    assert is_labels_file("camera-01/labels.csv")
    assert not is_labels_file("my-labels.csv")
    assert not is_labels_file("labels.csv.bak")
    assert not is_labels_file("Labels.csv")
