"""Who gets the mail and how it leaves; what is wrong is named, and the password never is."""

from pathlib import Path

import pytest

from tieout.catalog.load import load_catalog
from tieout.catalog.mail_settings import MailServer, MailSettingsError, Security, load_mail_settings
from tieout.catalog.models import CatalogError
from tieout.core.resources import resource_path

SERVER = {"TIEOUT_SMTP_HOST": "smtp.example.com", "TIEOUT_MAIL_FROM": "tieout@example.com"}
LOGIN = {"TIEOUT_SMTP_USER": "tieout", "TIEOUT_SMTP_PASSWORD": "hush-hush"}
MAIL = "timezone: Europe/Vienna\nfinance: [anna@example.com]\noperators: []\n"


@pytest.fixture
def catalog(tmp_path: Path) -> Path:
    (tmp_path / "mail.yaml").write_text(MAIL)
    return tmp_path


def test_the_built_in_programme_sends_nothing_to_anybody() -> None:
    settings = load_mail_settings(resource_path("catalog"), {})
    assert settings.server is None
    assert settings.timezone == "UTC"
    assert all(address.endswith("@example.com") for address in (*settings.finance, *settings.operators))


def test_mail_is_no_part_of_the_programme(tmp_path: Path) -> None:
    for file in resource_path("catalog").glob("*.yaml"):
        (tmp_path / file.name).write_bytes(file.read_bytes())
    before = load_catalog(tmp_path)
    (tmp_path / "mail.yaml").write_text(MAIL)
    assert load_catalog(tmp_path) == before


def test_a_server_is_reached_by_starttls_unless_said_otherwise(catalog: Path) -> None:
    assert load_mail_settings(catalog, SERVER).server == MailServer("smtp.example.com", 587, Security.STARTTLS)
    assert load_mail_settings(catalog, SERVER).sender == "tieout@example.com"
    over_tls = load_mail_settings(catalog, {**SERVER, **LOGIN, "TIEOUT_SMTP_SECURITY": "SSL"}).server
    assert over_tls == MailServer("smtp.example.com", 465, Security.SSL, "tieout", "hush-hush")
    plain = {**SERVER, "TIEOUT_SMTP_SECURITY": "none", "TIEOUT_SMTP_PORT": "2525"}
    assert load_mail_settings(catalog, plain).server == MailServer("smtp.example.com", 2525, Security.NONE)


def test_the_password_is_in_no_text(catalog: Path) -> None:
    settings = load_mail_settings(catalog, {**SERVER, **LOGIN})
    assert settings.server is not None
    assert settings.server.password == "hush-hush"
    assert "hush-hush" not in f"{settings!r} {settings}"


@pytest.mark.parametrize(
    ("environment", "said"),
    [
        ({"TIEOUT_SMTP_PORT": "25"}, "$TIEOUT_SMTP_PORT is set, $TIEOUT_SMTP_HOST is not"),
        (LOGIN, "$TIEOUT_SMTP_HOST is not"),
        ({"TIEOUT_SMTP_HOST": "smtp.example.com"}, "$TIEOUT_MAIL_FROM is not set"),
        ({**SERVER, "TIEOUT_SMTP_HOST": "smtp example"}, "$TIEOUT_SMTP_HOST: 'smtp example' is not the name of a host"),
        ({**SERVER, "TIEOUT_SMTP_PORT": "0"}, "$TIEOUT_SMTP_PORT: '0' is not a port"),
        ({**SERVER, "TIEOUT_SMTP_PORT": "65536"}, "$TIEOUT_SMTP_PORT: '65536' is not a port"),
        ({**SERVER, "TIEOUT_SMTP_SECURITY": "tls"}, "'tls' is none of starttls, ssl and none"),
        ({**SERVER, "TIEOUT_SMTP_USER": "tieout"}, "$TIEOUT_SMTP_PASSWORD is not set"),
        ({**SERVER, "TIEOUT_SMTP_PASSWORD": "hush-hush"}, "$TIEOUT_SMTP_USER is not set"),
        ({**SERVER, **LOGIN, "TIEOUT_SMTP_SECURITY": "none"}, "the password would travel in the clear"),
        ({**SERVER, "TIEOUT_MAIL_FROM": "Tieout"}, "$TIEOUT_MAIL_FROM: 'Tieout' is not a plain mail address"),
        ({**SERVER, "TIEOUT_MAIL_FROM": "a@example.com\nBcc: b@example.com"}, "is not a plain mail address"),
    ],
)
def test_a_wrong_variable_is_named(catalog: Path, environment: dict[str, str], said: str) -> None:
    with pytest.raises(MailSettingsError) as raised:
        load_mail_settings(catalog, environment)
    assert said in str(raised.value)
    assert "hush-hush" not in str(raised.value)


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        (MAIL.replace("Europe/Vienna", "Vienna"), ":1: timezone: 'Vienna' is not a time zone"),
        (MAIL.replace("Europe/Vienna", "../../etc/passwd"), ":1: timezone: "),
        (MAIL.replace("anna@example.com", "anna"), ":2: finance 1: 'anna' is not a plain mail address"),
        (MAIL.replace("[anna", "[Anna@example.com, anna"), ":2: finance: Anna@example.com is there twice"),
        (MAIL.replace("anna@", '"a\\r\\nBcc: b"@'), ":2"),
        (f"{MAIL}archive_url: javascript:alert(1)\n", ":4: archive_url: 'javascript:alert(1)' is not an address"),
        (f"{MAIL}password: hush\n", ":4: password: "),
    ],
)
def test_a_wrong_line_is_named(catalog: Path, wrong: str, said: str) -> None:
    (catalog / "mail.yaml").write_text(wrong)
    with pytest.raises(CatalogError) as raised:
        load_mail_settings(catalog, {})
    assert f"{catalog / 'mail.yaml'}{said}" in str(raised.value)


def test_without_the_file_nobody_gets_mail(tmp_path: Path) -> None:
    settings = load_mail_settings(tmp_path, {})
    assert (settings.timezone, settings.finance, settings.operators) == ("UTC", (), ())


def test_an_archive_is_a_folder(catalog: Path) -> None:
    (catalog / "mail.yaml").write_text(f"{MAIL}archive_url: https://reports.example.com/coral-x\n")
    assert load_mail_settings(catalog, {}).archive_url == "https://reports.example.com/coral-x/"
