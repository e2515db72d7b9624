"""The decode pass against clips whose every frame is known."""

from __future__ import annotations

import tracemalloc
from fractions import Fraction
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mlops_assets.errors import ConfigurationError, InputError
from mlops_assets.media import DecodeReport, Sample, SamplingOptions, Shot, decode_jpeg
from mlops_assets.media import decode_video as decode
from mlops_assets.media.clock import FrameClock, SamplingGrid
from mlops_assets_tests.media.rendered_clips import (
    numbered_picture,
    read_number,
    write_clip,
    write_numbered_clip,
)

COLOURS = [(200, 40, 40), (30, 60, 190), (60, 180, 60), (20, 20, 20), (200, 200, 200)]


def run(path, **options):
    events = list(decode(path, options=SamplingOptions(**options)))
    samples = [event for event in events if isinstance(event, Sample)]
    shots = [event for event in events if isinstance(event, Shot)]
    report = events[-1]
    assert isinstance(report, DecodeReport)
    assert (report.samples, report.shots) == (len(samples), len(shots))
    return samples, shots, report


def numbers(samples):
    return [read_number(decode_jpeg(sample.jpeg)) for sample in samples]


def next_numbers(samples):
    return [read_number(decode_jpeg(s.next_jpeg)) if s.next_jpeg else None for s in samples]


@pytest.fixture(scope="module")
def clip(tmp_path_factory):
    """Frames 0 to 119 at 25 a second."""
    return write_numbered_clip(tmp_path_factory.mktemp("clips") / "clip.mp4", 120)


def test_a_clip_is_sampled_at_exact_times_with_the_right_frames(clip):
    samples, _, report = run(clip)
    assert [sample.time for sample in samples] == [Fraction(k) for k in range(5)]
    assert numbers(samples) == [0, 25, 50, 75, 100]
    assert [sample.index for sample in samples] == list(range(5))
    assert (samples[0].width_px, samples[0].height_px) == (160, 96)
    assert report.duration == Fraction(120, 25)
    assert (report.status, report.frames_decoded, report.frames_lost) == ("decoded", 120, 0)


def test_a_rate_that_does_not_divide_the_frame_rate_takes_the_first_frame_at_or_after(clip):
    samples, _, _ = run(clip, rate_hz=3)
    assert numbers(samples) == [-(-25 * k // 3) for k in range(len(samples))]
    assert len(samples) == 15


def test_a_rate_above_the_frame_rate_takes_every_frame_once(clip):
    samples, _, _ = run(clip, rate_hz=1000, with_successors=False)
    assert numbers(samples) == list(range(120))


def test_the_successor_is_the_first_frame_a_gap_later(clip):
    samples, _, _ = run(clip)
    assert next_numbers(samples) == [2, 27, 52, 77, 102]  # 1/15 s is 1.67 frames
    assert {sample.next_gap for sample in samples} == {Fraction(2, 25)}


def test_dense_samples_share_their_successors(clip):
    samples, _, _ = run(clip, rate_hz=25, pair_gap_s=0.04)
    assert next_numbers(samples) == [*range(1, 120), None]
    assert samples[-1].next_gap is None


def test_without_successors_there_are_none(clip):
    samples, _, _ = run(clip, with_successors=False)
    assert all(sample.next_jpeg is None and sample.next_gap is None for sample in samples)


def test_the_successor_is_reduced_as_the_consumer_reduces_the_sample(tmp_path):
    path = write_numbered_clip(tmp_path / "clip.mp4", 10)
    (sample,), _, _ = run(path, successor_max_side_px=50)
    assert sample.next_jpeg is not None
    ours = decode_jpeg(sample.jpeg, max_side_px=50)
    assert ours.shape == decode_jpeg(sample.next_jpeg).shape == (30, 50, 3)


def test_samples_can_be_reduced(clip):
    samples, _, report = run(clip, max_side_px=80)
    assert (samples[0].width_px, samples[0].height_px) == (80, 48)
    assert numbers(samples) == [0, 25, 50, 75, 100]
    assert (report.width_px, report.height_px) == (160, 96)


def test_a_variable_frame_rate_is_sampled_by_its_time_stamps(tmp_path):
    pts = [0, 40, 900, 1010, 1050, 1900, 4300, 4400]
    path = write_numbered_clip(tmp_path / "vfr.mkv", 8, pts=pts, time_base=Fraction(1, 1000))
    samples, _, report = run(path)
    assert [sample.time for sample in samples] == [Fraction(t, 1000) for t in (0, 1010, 4300)]
    assert numbers(samples) == [0, 3, 6]
    assert next_numbers(samples) == [2, 5, 7]
    assert report.duration >= Fraction(4400, 1000)


def test_time_stamps_in_milliseconds_do_not_push_the_successor_a_frame_further(tmp_path):
    pts = [round(Fraction(1000 * k, 30)) for k in range(60)]
    path = write_numbered_clip(tmp_path / "ms.mkv", 60, pts=pts, time_base=Fraction(1, 1000))
    samples, _, _ = run(path, rate_hz=1000)
    assert next_numbers(samples)[:50] == list(range(2, 52))


def test_time_starts_with_the_first_frame_wherever_the_file_starts(tmp_path):
    pts = [7000 + 40 * k for k in range(60)]
    path = write_numbered_clip(tmp_path / "late.mkv", 60, pts=pts, time_base=Fraction(1, 1000))
    samples, _, _ = run(path)
    assert [sample.time for sample in samples] == [0, 1, 2]
    assert [sample.pts for sample in samples] == [7000, 8000, 9000]


def test_a_stream_without_a_container_decodes(tmp_path):
    path = write_numbered_clip(tmp_path / "raw.h264", 60)
    samples, _, report = run(path)
    assert report.frames_decoded == 60
    assert all(before.time < after.time for before, after in pairwise(samples))


@pytest.mark.parametrize("sign", [1, -1])
@pytest.mark.parametrize("turn", [0, 90, 180, 270])
def test_pictures_are_upright_and_not_mirrored(tmp_path, turn, sign):
    upright = np.zeros((48, 64, 3), np.uint8)
    upright[:20, :20] = 255
    stored = np.rot90(upright, turn // 90)
    stored = stored[:, ::-1] if sign < 0 else stored
    cos, sin = {0: (1, 0), 90: (0, 1), 180: (-1, 0), 270: (0, -1)}[turn]
    one = 1 << 16
    matrix = [sign * cos * one, sign * sin * one, 0, -sin * one, cos * one, 0, 0, 0, 1 << 30]
    path = write_clip(tmp_path / "a.mp4", [np.ascontiguousarray(stored)] * 3, matrix=matrix)
    sample = next(event for event in decode(path) if isinstance(event, Sample))
    assert np.abs(decode_jpeg(sample.jpeg).astype(int) - upright).mean() < 4


@pytest.mark.parametrize("rotation", [0, 90, 180, -90])
def test_pictures_are_upright_after_rotation(tmp_path, rotation):
    upright = numbered_picture(5)
    stored = np.ascontiguousarray(np.rot90(upright, -rotation // 90))
    path = write_clip(tmp_path / "turned.mp4", [stored] * 12, rotation=rotation)
    (sample,), _, report = run(path)
    assert (sample.width_px, sample.height_px) == (report.width_px, report.height_px) == (160, 96)
    assert read_number(decode_jpeg(sample.jpeg)) == 5
    assert sample.next_jpeg is not None
    assert read_number(decode_jpeg(sample.next_jpeg)) == 5


def test_colours_survive(tmp_path):
    path = write_clip(tmp_path / "red.mp4", [numbered_picture(0, colour=(200, 40, 40))] * 5)
    (sample,), _, _ = run(path)
    found = decode_jpeg(sample.jpeg)[64:].reshape(-1, 3).mean(axis=0)
    np.testing.assert_allclose(found, (200, 40, 40), atol=6)


def test_keyframes_mode_samples_the_key_frames(tmp_path):
    path = write_numbered_clip(
        tmp_path / "keys.mp4", 60, options={"g": "20", "sc_threshold": "0", "bf": "2"}
    )
    samples, _, report = run(path, sampling="keyframes")
    assert numbers(samples) == [0, 20, 40]
    assert next_numbers(samples) == [2, 22, 42]
    assert all(sample.is_keyframe for sample in samples)
    assert report.frames_decoded == 60


def test_keyframes_alone_are_decoded_alone(tmp_path):
    path = write_numbered_clip(
        tmp_path / "keys.mp4", 60, options={"g": "20", "sc_threshold": "0", "bf": "2"}
    )
    samples, shots, report = run(path, sampling="keyframes", with_successors=False)
    assert numbers(samples) == [0, 20, 40]
    assert (report.frames_decoded, report.status, shots) == (3, "decoded", [])


def cut_clip(path, lengths):
    pictures = (
        numbered_picture(number, colour=COLOURS[shot % len(COLOURS)])
        for shot, length in enumerate(lengths)
        for number in range(length)
    )
    return write_clip(path, pictures, options={"bf": "3"})


@pytest.mark.parametrize("skips", [False, True])
def test_hard_cuts_are_found_to_the_frame(tmp_path, skips):
    lengths = [30, 47, 20, 33, 25, 61, 19]
    starts = [sum(lengths[:k]) for k in range(len(lengths))]
    path = cut_clip(tmp_path / "cuts.mp4", lengths)
    _, shots, report = run(path, skip_unreferenced=skips)
    found = {shot.start * 25 for shot in shots}
    right = len(found & set(starts))
    f1 = 2 * right / (len(found) + len(starts))
    assert f1 == 1.0
    assert [before.end for before in shots[:-1]] == [after.start for after in shots[1:]]
    assert shots[-1].end == report.duration


def test_no_successor_reaches_across_a_cut(tmp_path):
    path = cut_clip(tmp_path / "cuts.mp4", [26, 40])
    samples, shots, _ = run(path)
    assert [sample.next_gap for sample in samples] == [Fraction(2, 25), None, Fraction(2, 25)]
    assert [sample.is_shot_start for sample in samples] == [True, False, True]
    assert [shot.key_time in (0, 1) for shot in shots] == [True, False]
    assert shots[1].key_index == 2


def test_a_clip_without_cuts_is_one_shot(clip):
    _, shots, report = run(clip)
    assert [(shot.start, shot.end) for shot in shots] == [(0, report.duration)]


def test_black_and_frozen_stretches_are_measured(tmp_path):
    black = [numbered_picture(0, colour=(0, 0, 0))] * 50
    moving = [numbered_picture(k, colour=(4 * k, 255 - 4 * k, 90)) for k in range(50)]
    still = [numbered_picture(3, colour=(10, 200, 200))] * 50
    path = write_clip(tmp_path / "stretches.mp4", [*black, *moving, *still], options={"crf": "10"})
    _, _, report = run(path)
    assert report.black_s == pytest.approx(2, abs=0.15)
    assert report.frozen_s == pytest.approx(4, abs=0.5)


def test_skipping_unreferenced_frames_gives_the_same_pictures(tmp_path):
    path = write_numbered_clip(
        tmp_path / "b.mp4", 150, options={"bf": "3", "b-pyramid": "none", "sc_threshold": "0"}
    )
    for rate_hz in (1, 3.7, 12.5):
        whole, _, _ = run(path, rate_hz=rate_hz)
        fewer, _, report = run(path, rate_hz=rate_hz, skip_unreferenced=True)
        assert fewer == whole
        assert report.status == "decoded"
        assert report.frames_decoded + report.frames_skipped == 150
    _, _, sparse = run(path, skip_unreferenced=True)
    assert sparse.frames_skipped > 50


def test_the_number_of_threads_changes_nothing(clip):
    assert run(clip, thread_count=1) == run(clip, thread_count=3)


def damaged(path, source, start, end):
    data = bytearray(source.read_bytes())
    size = len(data)
    for at in range(int(size * start), int(size * end)):
        data[at] = (at * 131 + 7) % 256
    path.write_bytes(data)
    return path


def test_a_damaged_middle_costs_its_own_frames_only(tmp_path):
    source = write_numbered_clip(tmp_path / "whole.ts", 400, options={"g": "25"})
    samples, _, report = run(damaged(tmp_path / "damaged.ts", source, 0.45, 0.5))
    assert report.status == "salvaged"
    assert report.reasons
    assert 0 < report.share_lost < 0.3
    assert len(samples) >= 13
    assert all(before.time < after.time for before, after in pairwise(samples))


def test_a_truncated_mp4_keeps_its_beginning_and_says_what_is_missing(tmp_path):
    source = write_numbered_clip(
        tmp_path / "whole.mp4", 200, options={"g": "25", "movflags": "faststart"}
    )
    moved = tmp_path / "front.mp4"
    _index_first(source, moved)
    data = moved.read_bytes()
    moved.write_bytes(data[: int(len(data) * 0.6)])
    samples, _, report = run(moved)
    assert report.status == "salvaged"
    assert "truncated" in report.reasons
    assert numbers(samples)[0] == 0
    assert report.frames_decoded + report.frames_lost == pytest.approx(200, abs=4)


def test_a_truncated_mkv_says_what_is_missing(tmp_path):
    path = write_numbered_clip(tmp_path / "clip.mkv", 300, options={"g": "25"})
    path.write_bytes(path.read_bytes()[: path.stat().st_size * 6 // 10])
    samples, _, report = run(path)
    assert (report.status, numbers(samples)[0]) == ("salvaged", 0)
    assert "truncated" in report.reasons
    assert report.share_lost == pytest.approx(0.4, abs=0.1)


def test_packets_dropped_in_silence_show_as_holes_in_time(tmp_path):
    pts = [*range(100), *range(120, 200)]
    path = write_numbered_clip(tmp_path / "hole.mkv", 180, pts=pts)
    _, _, report = run(path)
    assert (report.status, report.frames_lost) == ("salvaged", 20)
    assert report.reasons == ("holes_in_time",)


def _index_first(source, target):
    import av

    with (
        av.open(str(source)) as whole,
        av.open(str(target), "w", options={"movflags": "faststart"}) as front,
    ):
        stream = front.add_stream_from_template(whole.streams.video[0])
        for packet in whole.demux(video=0):
            if packet.dts is not None:
                packet.stream = stream
                front.mux(packet)


@pytest.mark.parametrize("content", [b"", b"garbage" * 500, b"#EXTM3U\nfile:///etc/hostname\n"])
def test_what_is_no_video_is_an_input_error(tmp_path, content):
    path = tmp_path / "clip.mp4"
    path.write_bytes(content)
    with pytest.raises(InputError) as caught:
        run(path)
    assert caught.value.reason == "nothing_decodes"


def test_a_missing_file_is_an_input_error(tmp_path):
    with pytest.raises(InputError) as caught:
        run(tmp_path / "nowhere.mp4")
    assert caught.value.reason == "unreadable"


def test_a_playlist_opens_nothing(tmp_path):
    write_numbered_clip(tmp_path / "part.ts", 25)
    playlist = tmp_path / "list.m3u8"
    playlist.write_text("#EXTM3U\n#EXT-X-TARGETDURATION:1\n#EXTINF:1,\npart.ts\n#EXT-X-ENDLIST\n")
    with pytest.raises(InputError):
        run(playlist)


def test_a_container_without_an_intact_frame_is_an_input_error(tmp_path, clip):
    data = clip.read_bytes()
    start, end = data.index(b"mdat") + 4, data.index(b"moov") - 4
    path = tmp_path / "hollow.mp4"
    path.write_bytes(data[:start] + bytes(end - start) + data[end:])
    with pytest.raises(InputError) as caught:
        run(path)
    assert caught.value.reason == "nothing_decodes"


def test_too_many_pixels_are_refused_before_decoding(clip):
    with pytest.raises(InputError) as caught:
        run(clip, max_pixels=1000)
    assert caught.value.reason == "too_many_pixels"


def test_a_frame_limit_ends_the_pass_and_is_said(clip):
    _, _, report = run(clip, max_frames=30)
    assert (report.status, report.frames_decoded) == ("salvaged", 30)
    assert report.reasons == ("frame_limit",)


@settings(max_examples=15, deadline=None)
@given(st.integers(0, 2**32 - 1), st.floats(0.0, 0.98), st.floats(0.005, 0.3))
def test_damage_anywhere_gives_a_report_or_an_input_error(tmp_path_factory, seed, start, share):
    import random

    folder = tmp_path_factory.mktemp("damage")
    data = bytearray(write_numbered_clip(folder / "clip.mkv", 30).read_bytes())
    noise = random.Random(seed)
    for at in range(int(len(data) * start), min(len(data), int(len(data) * (start + share)))):
        data[at] = noise.randrange(256)
    path = folder / "damaged.mkv"
    path.write_bytes(data)
    try:
        samples, _, report = run(path)
    except InputError:
        return
    assert 0 <= report.share_lost <= 1
    assert all(before.time < after.time for before, after in pairwise(samples))


def test_memory_does_not_grow_with_the_length(tmp_path):
    def peak(count):
        path = write_numbered_clip(
            tmp_path / f"{count}.mp4", count, options={"preset": "ultrafast"}
        )
        tracemalloc.start()
        looks = 0
        for event in decode(path, options=SamplingOptions(rate_hz=25, thread_count=1)):
            looks = len(event.looks.pictures) if isinstance(event, DecodeReport) else 0
        found = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
        return found - 2 * looks  # of which there are at most 16 MB

    peak(50)  # imports
    assert peak(900) < 1.5 * peak(100) + 200_000


def test_events_come_while_the_file_is_read(clip):
    assert isinstance(next(iter(decode(clip))), Sample)


@pytest.mark.parametrize(
    "options",
    [{"rate_hz": 0}, {"pair_gap_s": -1}, {"jpeg_quality": 0}, {"rate_hz": float("nan")}],
)
def test_options_out_of_range_are_a_configuration_error(options):
    with pytest.raises(ConfigurationError):
        SamplingOptions(**options)


@settings(max_examples=50, deadline=None)
@given(
    st.lists(st.integers(1, 90_000), min_size=1, max_size=60),
    st.fractions(min_value=Fraction(1, 10), max_value=60, max_denominator=1001),
)
def test_a_grid_takes_the_first_frame_at_or_after_each_instant(gaps, rate):
    base = Fraction(1, 30_000)
    times = [0]
    for gap in gaps:
        times.append(times[-1] + gap)
    grid = SamplingGrid(rate, Fraction(1, 15), base)
    taken = {ticks for ticks in times if grid.takes(ticks)}
    instants = range(int(times[-1] * base * rate) + 1)
    assert taken == {min(t for t in times if t * base >= k / rate) for k in instants}


@settings(max_examples=50, deadline=None)
@given(st.lists(st.none() | st.integers(-(2**62), 2**62), min_size=1, max_size=50))
def test_a_clock_always_runs_forward(stamps):
    clock = FrameClock(Fraction(1, 90_000), 3600)
    ticks = [clock.ticks(stamp) for stamp in stamps]
    assert ticks[0] == 0
    assert all(before < after for before, after in pairwise(ticks))


def test_a_recording_that_starts_again_continues():
    clock = FrameClock(Fraction(1, 1000), 40)
    assert [clock.ticks(pts) for pts in (5000, 5040, 9000, 0, 40)] == [0, 40, 4000, 4040, 4080]
