"""Results of a benchmark are kept as they come, and belong to the code and data that they were measured with."""

from pathlib import Path

from benchmarks.rows import Rows, code_version, content_hash

KEY: dict[str, str | int] = {"world": "surplus", "seed": 1, "code": "a"}


def test_a_result_is_there_for_the_next_run(tmp_path: Path) -> None:
    Rows("accuracy", tmp_path).put(KEY, {"errors": [0.1]})
    assert Rows("accuracy", tmp_path).get(KEY) == {"errors": [0.1]}


def test_a_result_of_other_code_does_not_count(tmp_path: Path) -> None:
    Rows("accuracy", tmp_path).put(KEY, 1)
    assert Rows("accuracy", tmp_path).get({**KEY, "code": "b"}) is None


def test_a_line_that_a_kill_has_cut_short_is_measured_again(tmp_path: Path) -> None:
    rows = Rows("accuracy", tmp_path)
    rows.put(KEY, 1)
    rows.path.write_text(rows.path.read_text() + '{"key": {"wor')
    resumed = Rows("accuracy", tmp_path)
    resumed.put({**KEY, "seed": 2}, 2)
    assert [Rows("accuracy", tmp_path).get({**KEY, "seed": seed}) for seed in (1, 2)] == [1, 2]


def test_the_code_version_is_that_of_all_files_named(tmp_path: Path) -> None:
    assert code_version() == code_version()
    assert content_hash(tmp_path) == content_hash(tmp_path)
    before = content_hash(tmp_path)
    (tmp_path / "landed.json").write_text("[]")
    assert content_hash(tmp_path) != before
