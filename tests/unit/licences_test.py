from email.message import Message

import pytest

from tests.licences import FITTING, fits, licences_of, problems


def metadata(**fields: str | list[str]) -> Message:
    message = Message()
    for name, values in fields.items():
        for value in [values] if isinstance(values, str) else values:
            message[name.replace("_", "-")] = value
    return message


@pytest.mark.parametrize(
    ("fields", "fit"),
    [
        ({"License_Expression": "MIT"}, True),
        ({"License_Expression": "GPL-3.0-only"}, False),
        ({"License_Expression": "GPL-3.0-only OR MIT"}, True),
        ({"License_Expression": "MIT AND AGPL-3.0-or-later"}, False),
        ({"Classifier": ["License :: OSI Approved :: GNU General Public License v3 (GPLv3)"]}, False),
        ({"Classifier": ["License :: OSI Approved :: BSD License"], "License": "a text"}, True),
        ({"License": "Commercial"}, False),
        ({}, False),
    ],
)
def test_a_licence_fits_or_is_named(fields: dict[str, str | list[str]], fit: bool) -> None:
    assert any(fits(each) for each in licences_of(metadata(Name="a", **fields))) is fit


def test_every_locked_package_is_looked_at() -> None:
    assert list(problems("typer==1 \\\n    --hash=sha256:0\nno-such-package==1 \\\n")) == []
    assert not {name for name in FITTING if "GPL" in name}
