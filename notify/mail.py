"""Mail over SMTP."""

import smtplib
import ssl
from email.message import EmailMessage
from email.utils import parseaddr
from urllib.parse import unquote, urlsplit

from notify.errors import Permanent, Transient
from notify.message import Letter

TIMEOUT_S = 8.0


class SmtpMail:
    """`smtp://host:25` is plain, for a relay in the house; `smtp+starttls://` and `smtps://` are encrypted.

    `user:password@` before the host signs in, over TLS only.
    """

    name = "smtp"

    def __init__(self, url: str, sender: str) -> None:
        self._url = urlsplit(url if "://" in url else f"smtp://{url}")
        self._sender = sender

    def send(self, letter: Letter) -> str | None:
        """Sends one mail; its Message-ID is made of our id, so that a repeat can be recognised."""
        mail = self.compose(letter)
        try:
            with self._connect() as server:
                server.send_message(mail)
        except smtplib.SMTPRecipientsRefused as error:
            raise self._refused(min(code for code, _ in error.recipients.values())) from error
        except smtplib.SMTPResponseException as error:
            raise self._refused(error.smtp_code) from error
        except smtplib.SMTPNotSupportedError as error:
            raise Permanent("smtp_not_supported") from error
        except (smtplib.SMTPException, OSError) as error:
            raise Transient(type(error).__name__) from error
        return str(mail["Message-ID"])

    def compose(self, letter: Letter) -> EmailMessage:
        """The mail itself. Raises Permanent for an address that would break its headers."""
        domain = parseaddr(self._sender)[1].partition("@")[2] or "localhost"
        mail = EmailMessage()
        try:
            mail["From"], mail["To"] = self._sender, letter.address
            mail["Subject"] = f"【{letter.signature}】{letter.title}"
        except ValueError as error:
            raise Permanent("bad_address") from error
        mail["Message-ID"] = f"<chakan-{letter.message_id}@{domain}>"
        mail["Auto-Submitted"] = "auto-generated"
        mail.set_content(letter.text)
        return mail

    def _connect(self) -> smtplib.SMTP:
        url = self._url
        host, tls = url.hostname or "localhost", ssl.create_default_context()
        if url.scheme == "smtps":
            server: smtplib.SMTP = smtplib.SMTP_SSL(host, url.port or 465, timeout=TIMEOUT_S, context=tls)
        else:
            server = smtplib.SMTP(host, url.port or 25, timeout=TIMEOUT_S)
        try:
            server.ehlo_or_helo_if_needed()
            if url.scheme == "smtp+starttls" or (url.username and url.scheme != "smtps"):
                # Raises when the server cannot: a password never travels in the clear.
                server.starttls(context=tls)
            if url.username:
                server.login(unquote(url.username), unquote(url.password or ""))
        except BaseException:
            server.close()
            raise
        return server

    @staticmethod
    def _refused(code: int) -> Permanent | Transient:
        return Permanent(f"smtp_{code}") if code >= 500 else Transient(f"smtp_{code}")
