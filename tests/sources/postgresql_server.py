"""A PostgreSQL server for the tests alone: in a temporary folder, on a free port of this machine, with a password."""

from __future__ import annotations

import os
import pwd
import shutil
import socket
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

PASSWORD = "s3cret/with#marks"
ESCAPED_PASSWORD = "s3cret%2Fwith%23marks"


def server_programs() -> Path | None:
    """Folder of ``initdb`` and ``postgres``: of the newest version that Debian's package installed, or on the path."""
    folders = sorted(
        Path("/usr/lib/postgresql").glob("*/bin"), key=lambda folder: int(folder.parent.name.split(".")[0])
    )
    found = shutil.which("initdb")
    candidates = [*folders, *([Path(found).parent] if found else [])]
    usable = [folder for folder in candidates if (folder / "initdb").exists() and (folder / "pg_ctl").exists()]
    return usable[-1] if usable else None


@contextmanager
def running(programs: Path) -> Iterator[str]:
    """The URL of a server that stops when the block ends."""
    account = _account()
    with TemporaryDirectory(prefix="anchorwatch-pg-") as name:
        folder = Path(name)
        password_file = folder / "password"
        password_file.write_text(PASSWORD)
        if account:
            for path in (folder, password_file):
                os.chown(path, account["user"], account["group"])
        data, port = folder / "data", _free_port()
        subprocess.run(
            [programs / "initdb", "-D", data, "-U", "postgres", "-A", "scram-sha-256", "--pwfile", password_file,
             "--no-sync", "-E", "UTF8", "--locale", "C.UTF-8"],
            check=True, capture_output=True, cwd=folder, **account,
        )  # fmt: skip
        options = f"-p {port} -c listen_addresses=127.0.0.1 -c unix_socket_directories='' -c fsync=off"
        control = [programs / "pg_ctl", "-D", data, "-w", "-t", "60"]
        subprocess.run(
            [*control, "-o", options, "-l", folder / "log", "start"],
            check=True, stdout=subprocess.DEVNULL, cwd=folder, **account,
        )  # fmt: skip
        try:
            yield f"postgresql://postgres:{ESCAPED_PASSWORD}@127.0.0.1:{port}/postgres"
        finally:
            subprocess.run(
                [*control, "-m", "immediate", "stop"], check=True, capture_output=True, cwd=folder, **account
            )


def _account() -> dict[str, Any]:
    """Whom to run the server as: it refuses to run as root."""
    if os.getuid() != 0:
        return {}
    names = {entry.pw_name for entry in pwd.getpwall()}
    account = pwd.getpwnam("postgres" if "postgres" in names else "nobody")
    return {"user": account.pw_uid, "group": account.pw_gid, "extra_groups": []}


def _free_port() -> int:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return int(listener.getsockname()[1])
