import os
import socket
from pathlib import Path

import pytest

from tieout.core.bounded import UnboundedFileError, read_bounded, require_regular


def test_a_file_is_read_up_to_a_size(tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(b"12345")
    (tmp_path / "link").symlink_to(tmp_path / "file")
    assert read_bounded(tmp_path / "link", most_bytes=5) == b"12345"
    with pytest.raises(UnboundedFileError, match="larger than"):
        read_bounded(tmp_path / "file", most_bytes=4)


@pytest.mark.parametrize("kind", ["pipe", "device", "socket", "folder"])
@pytest.mark.parametrize("is_linked", [False, True])
def test_what_may_have_no_end_is_refused_by_its_kind_and_not_waited_for(
    tmp_path: Path, kind: str, is_linked: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    place = Path(kind)
    if kind == "pipe":
        os.mkfifo(place)
    elif kind == "device":
        place = Path(os.devnull)
    elif kind == "folder":
        place.mkdir()
    else:
        with socket.socket(socket.AF_UNIX) as bound:
            bound.bind(str(place))
    if is_linked:
        Path("link").symlink_to(place)
        place = Path("link")
    with pytest.raises(UnboundedFileError, match=f"it is a {kind}") as refused:
        require_regular(place)
    assert refused.value.remedy
    assert refused.value.place == str(place)
    if kind in ("pipe", "device"):
        with pytest.raises(UnboundedFileError, match=f"it is a {kind}"):
            read_bounded(place, most_bytes=10)
