import io
import json
from pathlib import Path

import pytest
from rich.console import Console

from tieout.modal.apps import read_app_list
from tieout.modal.client import Cause, ModalError, Session, cause_of
from tieout.modal.retry_policy import RetryPolicy, RetryPolicyError
from tieout.modal.worker import MASK, mask, print_json


@pytest.mark.parametrize(
    ("errors", "message", "cause"),
    [
        (["AuthError", "Error"], "Token missing.", Cause.UNAUTHENTICATED),
        (["PermissionDeniedError"], "only managers", Cause.DENIED),
        (["NotFoundError"], "No App with name 'x' found", Cause.MISSING),
        (["ResourceExhaustedError"], "Rate limit exceeded", Cause.BUSY),
        (["ResourceExhaustedError"], "A billing report can cover at most 31 days.", Cause.TOO_MUCH),
        (["UsageError", "ClickException"], "Cannot fetch more than 1,000,000 inputs.", Cause.TOO_MUCH),
        (["NoSuchOption", "UsageError", "ClickException"], "No such option '--jsonx'", Cause.REFUSED),
        (["ServiceError"], "upstream connect error", Cause.INTERRUPTED),
        (["StreamTerminatedError"], "Connection lost", Cause.INTERRUPTED),
        (["ConnectionError"], "Could not connect to the Modal server.", Cause.UNREACHABLE),
        (["UnimplementedError", "Error"], "Received :status = '404'", Cause.UNREACHABLE),
        (["SomethingNew", "Exception"], "?", Cause.INTERRUPTED),
    ],
)
def test_an_error_of_modal_has_a_cause(errors: list[str], message: str, cause: Cause) -> None:
    assert cause_of(errors, message) is cause


def test_no_part_of_a_token_is_ever_said() -> None:
    said = mask("token ak-Ab12Cd34Ef56 with as-Zz99Yy88 and hunter22 failed", ["hunter22"])
    assert said == f"token {MASK} with {MASK} and {MASK} failed"


@pytest.mark.parametrize(
    "content",
    [
        [],
        {},
        [{"status": "success", "seconds": 1.25e-07, "id": None, "late": True}],
        {"name": "Größe 東京 [bold]", "tags": {}, "parts": [1, [2, {"a": "b" * 300}]]},
        "tab\t, line\n, \x1b[31m, \u2028, \\ and \x07",
    ],
)
def test_json_without_colours_is_what_the_console_prints(content: object) -> None:
    text, plain, rich = json.dumps(content), io.StringIO(), io.StringIO()
    print_json(Console(file=plain), text)
    Console(file=rich).print_json(text)
    assert plain.getvalue() == rich.getvalue()


def test_the_limits_are_read_from_the_environment() -> None:
    policy = RetryPolicy.from_environment({"TIEOUT_PULL_ATTEMPTS": "2", "TIEOUT_PULL_REACH_SECONDS": "0.5"})
    assert (policy.attempts, policy.reach_seconds) == (2, 0.5)
    assert policy.at_once == RetryPolicy().at_once


@pytest.mark.parametrize("value", ["", "many", "0", "-1", "inf", "nan", "1.5"])
def test_a_limit_that_is_none_is_refused(value: str) -> None:
    with pytest.raises(RetryPolicyError, match=r"\$TIEOUT_PULL_ATTEMPTS"):
        RetryPolicy.from_environment({"TIEOUT_PULL_ATTEMPTS": value})


def test_a_pull_whose_time_is_over_asks_for_nothing_more() -> None:
    with Session(RetryPolicy(total_seconds=1e-9)) as session, pytest.raises(ModalError) as stopped:
        session.settings()
    assert stopped.value.cause is Cause.TIMED_OUT
    assert "the time for the whole pull" in str(stopped.value)


def test_a_request_that_takes_too_long_is_ended() -> None:
    with Session(RetryPolicy(request_seconds=0.05)) as session, pytest.raises(ModalError) as ended:
        session.settings()  # importing the client alone takes longer
    assert ended.value.cause is Cause.TIMED_OUT


def test_a_process_that_ends_by_itself_is_not_said_to_be_late(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    short_lived = tmp_path / "worker.py"
    short_lived.write_text("input()")
    monkeypatch.setattr("tieout.modal.worker.__file__", str(short_lived))
    with Session(RetryPolicy()) as session, pytest.raises(ModalError, match="as it does when memory runs out") as ended:
        session.settings()
    assert ended.value.cause is Cause.INTERRUPTED


def test_what_the_disk_does_not_take_is_not_asked_for_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    full = tmp_path / "worker.py"
    full.write_text(
        "import errno, json\n"
        "answer = {'errors': ['OSError'], 'message': 'No space left on device', 'errno': errno.ENOSPC}\n"
        "input(), print(json.dumps(answer))\n"
    )
    monkeypatch.setattr("tieout.modal.worker.__file__", str(full))
    with Session(RetryPolicy()) as session, pytest.raises(OSError, match="No space left on device"):
        session.command(["app", "list"], tmp_path / "apps.json")


def test_without_a_token_the_configuration_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("MODAL_TOKEN_ID", "MODAL_TOKEN_SECRET", "MODAL_PROFILE"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("MODAL_CONFIG_PATH", "nonexistent.toml")
    with Session(RetryPolicy()) as session:
        assert session.settings().has_token is False


def test_an_answer_of_another_layout_is_a_refusal_that_names_it(tmp_path: Path) -> None:
    listing = tmp_path / "apps.json"
    listing.write_text('[{"app_id": "ap-1"}]')
    with pytest.raises(ModalError, match="modal app list --json is not laid out as expected: KeyError") as refused:
        read_app_list(listing, "main")
    assert refused.value.cause is Cause.REFUSED


def test_a_session_that_was_aborted_still_ends() -> None:
    with Session(RetryPolicy()) as session:
        session.abort()
        with pytest.raises(ModalError) as stopped:
            session.workspace("https://api.example.com")
    assert stopped.value.cause is Cause.STOPPED
