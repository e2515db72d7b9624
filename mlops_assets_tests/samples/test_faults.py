from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mlops_assets.errors import InputError
from mlops_assets.samples import (
    damage_middle,
    read_frame_number,
    render_clip,
    truncate,
    write_junk,
    write_pixel_bomb,
)
from mlops_assets_tests.samples.reading import decode


@given(size=st.integers(0, 300), share=st.floats(0, 1))
@settings(max_examples=25, deadline=None)
def test_truncating_keeps_the_share_from_the_start(tmp_path_factory, size, share) -> None:
    path: Path = tmp_path_factory.mktemp("cut") / "a.bin"
    content = bytes(number % 256 for number in range(size))
    path.write_bytes(content)

    truncate(path, share)

    assert path.read_bytes() == content[: int(size * share)]


def test_a_truncated_mp4_does_not_open(tmp_path) -> None:
    import av
    from av.error import FFmpegError

    path = tmp_path / "a.mp4"
    render_clip(path, frames=5, size=(64, 48))
    truncate(path, 0.9)

    with pytest.raises(FFmpegError):
        av.open(str(path))


def test_a_damaged_clip_states_its_length_and_loses_frames_in_the_middle_only(tmp_path) -> None:
    import av

    path = tmp_path / "a.mp4"
    render_clip(path, frames=36)
    size = path.stat().st_size
    damage_middle(path, share=0.2)

    pictures, _, lost = decode(path)
    numbers = [read_frame_number(picture) for picture in pictures]

    assert path.stat().st_size == size
    with av.open(str(path)) as container:
        assert container.streams.video[0].frames == 36
    assert lost >= 1
    assert len(numbers) == 36 - lost
    assert numbers[:8] == list(range(8))
    assert numbers[-8:] == list(range(28, 36))


def test_the_noise_of_a_seed_is_always_the_same(tmp_path) -> None:
    contents = []
    for seed in (1, 1, 2):
        (tmp_path / "a.bin").write_bytes(bytes(1000))
        damage_middle(tmp_path / "a.bin", share=0.5, seed=seed)
        contents.append((tmp_path / "a.bin").read_bytes())

    assert contents[0] == contents[1] != contents[2]
    assert contents[0][:250] == contents[0][750:] == bytes(250)


@pytest.mark.parametrize(
    "content", [b"", b"a", b"\x00\x00\x00\x00mdat", b"\x00\x00\x00\x08free" * 3]
)
def test_damaging_anything_keeps_its_size(tmp_path, content: bytes) -> None:
    (tmp_path / "a.bin").write_bytes(content)

    damage_middle(tmp_path / "a.bin", share=1.0)

    assert (tmp_path / "a.bin").stat().st_size == len(content)


@pytest.mark.parametrize("share", [-0.1, 1.1, float("nan")])
@pytest.mark.parametrize("fault", [truncate, lambda path, share: damage_middle(path, share=share)])
def test_a_share_outside_0_to_1_is_refused(tmp_path, fault, share) -> None:
    (tmp_path / "a.bin").write_bytes(b"abc")

    with pytest.raises(InputError, match="expected 0 to 1"):
        fault(tmp_path / "a.bin", share)


def test_a_pixel_bomb_is_tiny_and_refused_by_its_header(tmp_path) -> None:
    from PIL import Image

    path = tmp_path / "a.png"
    write_pixel_bomb(path)

    assert path.stat().st_size < 200
    with pytest.raises(Image.DecompressionBombError, match="3600000000 pixels"):
        Image.open(path)


def test_junk_is_of_no_known_format_and_no_text(tmp_path) -> None:
    import puremagic

    for seed in range(5):
        path = tmp_path / f"{seed}.bin"
        write_junk(path, seed=seed)
        assert path.stat().st_size == 4096
        assert puremagic.magic_file(str(path)) == []
        with pytest.raises(UnicodeDecodeError):
            path.read_text(encoding="utf-8")
