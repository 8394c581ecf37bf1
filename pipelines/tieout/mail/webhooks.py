"""Posting an alert to Slack, Teams or any webhook, by Apprise, which knows how each of them wants it.

Apprise says whether a post was taken, and only its log says why not. From that follows whether the other side can have
it: it answered with an error, it was never reached, or nobody knows. The log is read and not shown, for it has the URL.
"""

import logging
import re

from tieout.catalog.mail_settings import WEBHOOKS_VARIABLE, Webhook
from tieout.mail.transport import InDoubtError, PostponedError, RefusedError

_ANSWERED = re.compile(r"error=(\d{3})\b")
_NOT_REACHED = re.compile(
    r"NewConnectionError|NameResolutionError|ConnectTimeout|SSLError|ProxyError|Connection refused"
)


def post_to(webhook: Webhook, *, title: str, text: str) -> str:
    """Post a text, and return what is recorded as the answer.

    Raises:
        RefusedError: Apprise knows no such service.
        PostponedError: the service answers with an error, or cannot be reached; it does not have the text.
        InDoubtError: the text was sent, and no answer came.
    """
    import apprise  # takes a while, and most commands alert nobody

    with_log = _Log()
    logger = logging.getLogger("apprise")
    before = logger.level, logger.propagate
    logger.addHandler(with_log)
    logger.setLevel(logging.DEBUG)
    logger.propagate = False
    try:
        service = apprise.Apprise.instantiate(webhook.url)
        if service is None:
            raise RefusedError(f"Apprise cannot read the URL of {webhook.name}; correct ${WEBHOOKS_VARIABLE}")
        is_taken = service.notify(title=title, body=text, body_format=apprise.NotifyFormat.TEXT)
    finally:
        logger.removeHandler(with_log)
        logger.level, logger.propagate = before
    if is_taken:
        return "posted"
    if answered := _ANSWERED.search(with_log.text):
        raise PostponedError(f"{webhook.name} answered with error {answered[1]}")
    if _NOT_REACHED.search(with_log.text):
        raise PostponedError(f"{webhook.name} cannot be reached")
    raise InDoubtError(f"{webhook.name} gave no answer")


class _Log(logging.Handler):
    """Keeps what is logged."""

    text = ""

    def emit(self, record: logging.LogRecord) -> None:
        """Keep a line."""
        self.text += record.getMessage() + "\n"
