import os
from collections.abc import Callable
from pathlib import Path

import pytest

from tieout.core.files import folder_written_whole, partial_of, sweep_partial, write_whole, written_whole


@pytest.fixture
def disk(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """What the disk is asked to keep, in order: the names of files and folders, and renames as `old -> new`."""
    asked: list[str] = []
    fsync, replace, rename = os.fsync, Path.replace, Path.rename

    def note_fsync(descriptor: int) -> None:
        asked.append(Path(f"/proc/self/fd/{descriptor}").readlink().name)
        fsync(descriptor)

    def noting(move: Callable[[Path, Path], Path]) -> Callable[[Path, Path], Path]:
        def noted(path: Path, target: Path) -> Path:
            asked.append(f"{path.name} -> {target.name}")
            return move(path, target)

        return noted

    monkeypatch.setattr(os, "fsync", note_fsync)
    monkeypatch.setattr(Path, "replace", noting(replace))
    monkeypatch.setattr(Path, "rename", noting(rename))
    return asked


def test_a_file_is_on_the_disk_before_it_takes_its_place_and_its_name_afterwards(
    tmp_path: Path, disk: list[str]
) -> None:
    path = tmp_path / "lock.yaml"
    assert write_whole(path, "ä\r\nb\n") == path
    assert path.read_bytes() == "ä\r\nb\n".encode()
    assert disk == [".lock.yaml.partial", ".lock.yaml.partial -> lock.yaml", tmp_path.name]


def test_the_old_file_stays_when_the_writing_of_the_new_one_fails(tmp_path: Path) -> None:
    path = write_whole(tmp_path / "bill.json", b"old")
    with pytest.raises(ConnectionError), written_whole(path) as partial:
        partial.write_bytes(b"ne")
        raise ConnectionError("cut")
    assert path.read_bytes() == b"old"
    assert list(tmp_path.iterdir()) == [path]


def test_a_full_disk_leaves_the_old_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = write_whole(tmp_path / "bill.json", b"old")

    def full(_: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(OSError, match="No space left"):
        write_whole(path, b"new")
    assert path.read_bytes() == b"old"
    assert list(tmp_path.iterdir()) == [path]


def test_what_a_kill_left_is_written_over_even_when_it_is_longer(tmp_path: Path) -> None:
    path = tmp_path / "bill.json"
    partial_of(path).write_bytes(b"the half of a file that is long")
    partial_of(path).chmod(0o444)
    with written_whole(path) as partial, partial.open("ab") as file:
        file.write(b"new")
    assert path.read_bytes() == b"new"
    assert list(tmp_path.iterdir()) == [path]


def test_a_folder_appears_with_all_its_files(tmp_path: Path, disk: list[str]) -> None:
    path = tmp_path / "revision-1"
    with folder_written_whole(path) as partial:
        (partial / "figures.json").write_bytes(b"{}")
        assert not path.exists()
    assert [file.name for file in path.iterdir()] == ["figures.json"]
    last = [".revision-1.partial", ".revision-1.partial -> revision-1", tmp_path.name]
    assert disk == ["figures.json", *last]


def test_a_folder_that_cannot_be_filled_does_not_appear(tmp_path: Path) -> None:
    with pytest.raises(ConnectionError), folder_written_whole(tmp_path / "revision-1") as partial:
        (partial / "figures.json").write_bytes(b"{")
        raise ConnectionError("cut")
    assert list(tmp_path.iterdir()) == []


def test_a_folder_never_takes_the_place_of_another(tmp_path: Path) -> None:
    path = tmp_path / "revision-1"
    path.mkdir()
    write_whole(path / "figures.json", b"issued")
    with pytest.raises(OSError, match="revision-1"), folder_written_whole(path) as partial:
        (partial / "figures.json").write_bytes(b"other")
    assert (path / "figures.json").read_bytes() == b"issued"
    assert list(tmp_path.iterdir()) == [path]


def test_leftovers_are_swept_out_by_the_name_of_the_file_that_was_to_be(tmp_path: Path) -> None:
    folder = tmp_path / "app_list"
    folder.mkdir()
    for name in ("1.json", ".2.json.partial", ".notes.partial"):
        (folder / name).touch()
    sweep_partial(tmp_path, "*.json")
    assert sorted(path.name for path in folder.iterdir()) == [".notes.partial", "1.json"]
