"""A private Redis or Valkey on loopback, with a password and an append-only file."""

import os
import secrets
import shutil
import socket
from dataclasses import dataclass
from pathlib import Path

from launch.account import Account, own_folder
from launch.errors import CannotStart

SETTINGS = """\
bind 127.0.0.1
port {port}
protected-mode yes
requirepass {password}
dir "{folder}"
daemonize no
appendonly {durable}
appendfsync everysec
save ""
maxmemory-policy noeviction
loglevel warning
logfile ""
"""


@dataclass(frozen=True)
class Redis:
    """The Redis of one data folder. PostgreSQL keeps the truth: this one may vanish at any moment."""

    program: Path
    home: Path
    account: Account | None
    port: int
    password: str
    durable: bool = True

    @property
    def folder(self) -> Path:
        """Redis's files."""
        return self.home / "redis"

    @property
    def url(self) -> str:
        """How redis-py reaches it."""
        return f"redis://:{self.password}@127.0.0.1:{self.port}/0"

    def configure(self) -> None:
        """Writes the configuration of this start; the password is in no command line."""
        own_folder(self.folder, self.account)
        path = self.folder / "redis.conf"
        text = SETTINGS.format(
            port=self.port,
            password=self.password,
            folder=self.folder,
            durable="yes" if self.durable else "no",
        )
        with os.fdopen(
            os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w", encoding="utf-8"
        ) as out:
            out.write(text)
        if self.account:
            os.chown(path, self.account.uid, self.account.gid)

    def command(self) -> list[str]:
        """The server in the foreground; SIGTERM saves and stops it."""
        program = self.program
        if self.account and not self.account.may_enter(program.parent):
            # The environment lies where the account cannot go (below /root): it gets a copy of its own.
            program = self.folder / "server"
            shutil.copyfile(self.program, program.with_suffix(".new"))
            program.with_suffix(".new").chmod(0o755)
            program.with_suffix(".new").replace(program)
        return [str(program), str(self.folder / "redis.conf")]

    def answers(self) -> bool:
        """Whether it takes the password and says PONG (it says LOADING while it reads its file)."""
        try:
            with socket.create_connection(("127.0.0.1", self.port), timeout=0.5) as link:
                link.sendall(f"AUTH {self.password}\r\nPING\r\n".encode())
                heard = b""
                while heard.count(b"\r\n") < 2:
                    more = link.recv(256)
                    if not more:
                        return False
                    heard += more
        except OSError:
            return False
        return heard.endswith(b"+PONG\r\n")


def free_port() -> int:
    """A loopback port that nobody uses now, below the range from which the kernel lends ports to connections."""
    for _ in range(200):
        port = 20_000 + secrets.randbelow(12_000)
        with socket.socket() as probe:
            try:
                probe.bind(("127.0.0.1", port))
            except OSError:
                continue
            return port
    raise CannotStart("No free port between 20000 and 32000 was found on 127.0.0.1.")
