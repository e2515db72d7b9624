"""The vault: bytes kept once, found by their hash, and honest about what was lost."""

from __future__ import annotations

import hashlib
import multiprocessing
import os
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from mlops_assets.errors import ConfigurationError, InputError, TransientError
from mlops_assets.lake import Lake, Vault, copying, vault

CONTENT = b"some bytes" * 1000
HASH = hashlib.sha256(CONTENT).hexdigest()


@pytest.fixture(params=["copy", "reference"])
def any_vault(request, lake) -> Vault:
    return Vault(lake.store, request.param)


@pytest.fixture(params=["small", "large"])
def size(request, monkeypatch) -> str:
    """Small files are read as a whole, large ones copied as they are read."""
    if request.param == "large":
        monkeypatch.setattr(copying, "_SMALL_BYTES", -1)
        monkeypatch.setattr(copying, "_CHUNK", 1000)
    return request.param


@pytest.fixture
def landed(tmp_path) -> Path:
    file = tmp_path / "landed é 1.bin"
    file.write_bytes(CONTENT)
    return file


@settings(
    max_examples=15, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(content=st.binary(max_size=2000))
def test_what_is_kept_comes_back_byte_for_byte(any_vault, size, tmp_path, content):
    (tmp_path / "file").write_bytes(content)
    sha256 = any_vault.keep(tmp_path / "file")
    assert sha256 == hashlib.sha256(content).hexdigest()
    assert any_vault.read(sha256) == content
    assert any_vault.holds(sha256)
    assert any_vault.verify(sha256)


def test_equal_bytes_are_kept_once(lake, size, landed, tmp_path):
    again = tmp_path / "again"
    again.write_bytes(CONTENT)
    assert lake.vault.keep(landed) == lake.vault.keep(again) == HASH
    assert [entry["path"] for entry in lake.store.list("vault")] == [Vault.path(HASH)]


def test_a_copy_does_not_need_the_landed_file_any_more(lake, landed):
    lake.vault.keep(landed)
    landed.write_bytes(b"overwritten")
    landed.unlink()
    assert lake.vault.read(HASH) == CONTENT


def test_a_reference_says_when_the_bytes_are_lost_or_changed(lake, landed):
    refers = Vault(lake.store, "reference")
    refers.keep(landed)
    landed.write_bytes(b"changed")
    with pytest.raises(InputError, match="no longer has hash") as changed:
        refers.read(HASH)
    landed.unlink()
    with pytest.raises(InputError, match="is gone") as lost:
        refers.read(HASH)
    assert (changed.value.reason, lost.value.reason) == ("bytes_changed", "bytes_lost")
    assert not refers.verify(HASH)


def test_bytes_that_were_never_kept_are_lost(any_vault):
    with pytest.raises(InputError, match="does not hold") as lost:
        any_vault.read("ab" * 32)
    assert lost.value.reason == "bytes_lost"
    assert not any_vault.holds("ab" * 32)


def test_changed_bytes_in_the_vault_are_found_by_verifying(lake, landed):
    lake.vault.keep(landed)
    Path(lake.store.uri(Vault.path(HASH))).write_bytes(b"bit rot")
    assert not lake.vault.verify(HASH)


def test_a_file_that_vanished_is_to_be_tried_again(any_vault, tmp_path):
    with pytest.raises(TransientError, match="vanished"):
        any_vault.keep(tmp_path / "gone")
    assert list(any_vault.store.list("vault")) == []


def test_a_file_that_changes_while_it_is_read_is_to_be_tried_again(lake, landed, monkeypatch):
    hash_file = vault.hash_file

    def grow(file: Path) -> str:
        found = hash_file(file)
        file.write_bytes(CONTENT + b"more")
        return found

    monkeypatch.setattr(vault, "hash_file", grow)
    with pytest.raises(TransientError, match="changed while it was read"):
        Vault(lake.store, "reference").keep(landed)


def test_a_copy_is_of_what_was_read_even_if_the_file_changes(lake, size, landed, monkeypatch):
    write = copying._write

    def overwrite(*told) -> None:
        write(*told)
        with landed.open("r+b") as file:
            file.write(b"something else")

    monkeypatch.setattr(copying, "_write", overwrite)
    sha256 = lake.vault.keep(landed)
    assert sha256 == HASH or size == "large"  # of a large file the rest is read later
    assert lake.vault.verify(sha256)


def test_a_vault_that_cannot_be_written_is_for_an_operator(lake, size, landed, monkeypatch):
    def full(*_):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(copying, "_write", full)
    with pytest.raises(ConfigurationError, match="No space left"):
        lake.vault.keep(landed)
    assert list(lake.store.list("vault")) == []


def test_a_write_that_takes_part_is_gone_on_with(lake, size, landed, monkeypatch):
    class Slow(copying.FileIO):
        def write(self, content) -> int:
            return super().write(content[:777])

    monkeypatch.setattr(copying, "FileIO", Slow)
    assert lake.vault.keep(landed) == HASH
    assert lake.vault.verify(HASH)


def test_refused_bytes_leave_nothing(lake, size, landed):
    assert lake.vault.keep(landed, refuse={HASH}) == HASH
    assert list(lake.store.list("vault")) == []


def test_what_is_there_already_is_not_written_again(lake, size, landed):
    lake.vault.keep(landed)
    kept = Path(lake.store.uri(Vault.path(HASH)))
    before = kept.stat()
    lake.vault.keep(landed)
    assert kept.stat() == before
    assert os.listdir(lake.store.uri("vault/incoming")) == []  # noqa: PTH208 - names only


def keep(root: str, file: str) -> None:
    assert Lake.at(root).vault.keep(Path(file)) == HASH


def test_processes_that_keep_equal_bytes_at_once_keep_them_once(lake, landed):
    spawn = multiprocessing.get_context("forkserver")
    spawn.set_forkserver_preload(["mlops_assets_tests.rows.toys"])
    told = (lake.store.root, str(landed))
    processes = [spawn.Process(target=keep, args=told) for _ in range(6)]
    for process in processes:
        process.start()
    for process in processes:
        process.join()
    assert [process.exitcode for process in processes] == [0] * 6
    assert [entry["path"] for entry in lake.store.list("vault")] == [Vault.path(HASH)]
    assert os.listdir(lake.store.uri("vault/incoming")) == []  # noqa: PTH208 - names only
    assert lake.vault.verify(HASH)
