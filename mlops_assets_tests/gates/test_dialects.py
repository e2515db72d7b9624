"""Sidecars that others write: Google Takeout's and XMP; and which names make a file a sidecar."""

from __future__ import annotations

import json
from datetime import UTC, datetime

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mlops_assets.errors import InputError
from mlops_assets.gates import pair_sidecars, read_sidecar
from mlops_assets_tests.gates.rendered import takeout

XMP = """<?xpacket begin="" id="W5M0MpCehiHzreSzNTczkc9d"?>
<x:xmpmeta xmlns:x="adobe:ns:meta/">
 <rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#">
  <rdf:Description rdf:about="" xmlns:exif="http://ns.adobe.com/exif/1.0/"
    xmlns:dc="http://purl.org/dc/elements/1.1/" xmlns:tiff="http://ns.adobe.com/tiff/1.0/"
    xmlns:own="http://example.org/own/" exif:DateTimeOriginal="2026-11-05T10:15:00+01:00"
    exif:GPSLatitude="48,30.6N" exif:GPSLongitude="11,15,36W" tiff:Make="ACME" tiff:Model="One">
   <dc:description><rdf:Alt><rdf:li xml:lang="x-default">A gate.</rdf:li></rdf:Alt></dc:description>
   <dc:subject><rdf:Bag><rdf:li>gate</rdf:li><rdf:li>cat</rdf:li></rdf:Bag></dc:subject>
   <own:Rating>4</own:Rating>
  </rdf:Description>
 </rdf:RDF>
</x:xmpmeta>"""
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
LONG = "a photo whose name goes on and on until nobody can remember.jpg"


def reason(raw: bytes) -> str:
    with pytest.raises(InputError) as caught:
        read_sidecar(raw)
    return caught.value.reason


def test_takeout_says_when_where_and_what():
    said = read_sidecar(takeout())
    assert said.dialect == "takeout"
    assert said.captured_at == datetime(2017, 7, 14, 2, 40, tzinfo=UTC)
    assert (said.place, said.device) == ((48.1, 11.5), "ANDROID_PHONE")
    assert (said.caption, said.labels, said.tags) == ("A gate.", [], [])
    assert said.extra == json.loads(takeout())


@pytest.mark.parametrize(
    ("fields", "name", "expected"),
    [
        ({"geoData": {"latitude": 0.0, "longitude": 0.0}}, "place", None),
        ({"geoData": {"latitude": "north"}}, "place", None),
        ({"geoData": {"latitude": 91, "longitude": 1}}, "place", None),
        ({"geoData": 3, "geoDataExif": {"latitude": 1, "longitude": 2}}, "place", (1.0, 2.0)),
        ({"photoTakenTime": {"timestamp": "soon"}}, "captured_at", None),
        ({"photoTakenTime": {"timestamp": "9" * 30}}, "captured_at", None),
        ({"photoTakenTime": 1, "creationTime": {"timestamp": "0"}}, "captured_at", EPOCH),
        ({"description": " "}, "caption", None),
        ({"googlePhotosOrigin": []}, "device", None),
    ],
)  # fmt: skip
def test_what_takeout_does_not_know_is_absent(fields, name, expected):
    assert getattr(read_sidecar(takeout(**fields)), name) == expected


def test_xmp_says_when_where_and_what():
    said = read_sidecar(XMP.encode())
    assert said.dialect == "xmp"
    assert said.captured_at == datetime(2026, 11, 5, 9, 15, tzinfo=UTC)
    assert said.place == pytest.approx((48.51, -11.26))
    assert (said.device, said.caption, said.tags) == ("ACME One", "A gate.", ["gate", "cat"])
    assert said.extra["http://example.org/own/:Rating"] == "4"


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16"])
def test_xmp_is_read_in_the_encodings_it_comes_in(encoding):
    declared = f'<?xml version="1.0" encoding="{encoding[:6]}"?>{XMP}'
    assert read_sidecar(declared.encode(encoding)).tags == ["gate", "cat"]


@pytest.mark.parametrize(
    "entity",
    [
        '<!ENTITY x SYSTEM "file:///etc/hostname">',
        '<!ENTITY x "ha"><!ENTITY y "&x;&x;&x;&x;">',
        '<!ENTITY % p SYSTEM "http://localhost/p.dtd"> %p;',
    ],
)
def test_xmp_that_names_an_entity_is_refused(entity):
    assert reason(f"<!DOCTYPE r [{entity}]>{XMP}".encode()) == "invalid_xml"


def test_xmp_that_is_cut_off_is_refused():
    assert reason(XMP[:400].encode()) == "invalid_xml"


@settings(max_examples=100, deadline=None)
@given(st.integers(0, len(XMP)), st.text(max_size=5), st.integers(0, 9))
def test_damaged_xmp_is_read_or_refused(place, inserted, cut):
    damaged = (XMP[:place] + inserted + XMP[place + cut :]).encode()
    try:
        json.dumps(read_sidecar(damaged).extra)
    except InputError:
        assert reason(damaged) in ("invalid_xml", "invalid_json", "not_an_object")


@pytest.mark.parametrize(
    ("owner", "sidecars", "others"),
    [
        ("clip.mp4", ["clip.mp4.json"], []),
        ("clip.mp4", ["clip.json"], []),
        ("a.jpg", ["a.jpg.json", "a.json", "a.jpg.xmp", "a.xmp"], []),
        ("a.jpg", ["a.jpg.supplemental-metadata.json"], []),
        ("a.jpg", ["a.jpg.suppl.json"], []),
        ("a.jpg", ["a.jpg..json"], []),
        ("a(1).jpg", ["a.jpg(1).json"], ["a.jpg", "a.jpg.json"]),
        ("a(2).jpg", ["a.jpg.supplemental-metadata(2).json"], ["a.jpg"]),
        ("a-edited.jpg", ["a.jpg.json"], ["a.jpg"]),
        ("a.mp4", ["a.heic.json"], ["a.heic"]),
        (LONG, [f"{LONG[:46]}.json"], []),
        ("A.JPG", ["A.JPG.JSON"], []),
    ],
)
def test_a_sidecar_is_known_by_its_name(owner, sidecars, others):
    assert pair_sidecars([owner, *sidecars, *others]).of[owner] == tuple(sidecars)


@pytest.mark.parametrize(
    "names",
    [
        [],
        ["a.json"],
        ["package.json", "package.py"],
        ["data.json", "data.csv"],
        ["a.jpg", "b.json"],
        ["a.jpg", "a.jpg.info.json"],
        ["a.xmp"],
        ["a.jpg", "A.json"],
        [LONG, f"{LONG[:20]}.json"],
    ],
)
def test_a_file_of_its_own_is_no_sidecar(names):
    assert pair_sidecars(names).sidecars == frozenset()


@settings(max_examples=200, deadline=None)
@given(st.lists(st.from_regex(r"[ab]{1,2}(\(1\))?(\.jpg|\.mp4)?(\.json|\.xmp)?", fullmatch=True)))
def test_no_file_is_its_own_sidecar_and_only_what_is_there_is_named(names):
    pairs = pair_sidecars(names)
    assert all(owner not in beside for owner, beside in pairs.of.items())
    assert {*pairs.of, *pairs.sidecars} <= set(names)


def test_a_folder_of_many_files_is_paired_in_one_go():
    names = [f"IMG_{number}.jpg{end}" for number in range(10_000) for end in ("", ".json")]
    # what is quadratic in the names does not end within the test's time limit
    assert len(pair_sidecars(names).sidecars) == 10_000
