"""The invoice XML that a PDF embeds (Factur-X, ZUGFeRD 2), found in a process of its own with bounded memory and time.

A PDF can be made so that reading it takes hours: compressed in a dozen ways, linked in circles, or so broken that
every byte of it may begin an object. The process, started for the first PDF of a run and used for all, is given up with
the file that keeps it too long.

As a program (``python pdf_attachment.py``) this module is that process: a line of JSON with ``path`` and ``target`` is
answered by one with ``problem``, a sentence, or null when the XML is at ``target``.
"""

from __future__ import annotations

import atexit
import json
import logging
import selectors
import subprocess
import sys
from io import BytesIO
from pathlib import Path
from threading import Lock

XML_NAMES = frozenset({"factur-x.xml", "zugferd-invoice.xml", "xrechnung.xml"})

MAX_PDF_BYTES = 128 << 20
MAX_XML_BYTES = 64 << 20  # pypdf itself unpacks no stream of more than 75 MB
PATIENCE_SECONDS = 60
_MEMORY_BYTES = 1 << 30


class Finder:
    """The process; `find` answers for one file after another. Starts when it is first asked, and anew when it ended."""

    def __init__(self, patience_seconds: float = PATIENCE_SECONDS) -> None:
        self._patience_seconds = patience_seconds
        self._process: subprocess.Popen[bytes] | None = None
        self._lock = Lock()

    def find(self, path: Path, target: Path) -> str | None:
        """Write the invoice XML that the PDF embeds to ``target``; or a sentence why there is none."""
        with self._lock:
            process = self._running()
            assert process.stdin is not None
            assert process.stdout is not None
            try:
                process.stdin.write(json.dumps({"path": str(path), "target": str(target)}).encode() + b"\n")
                process.stdin.flush()
                with selectors.DefaultSelector() as selector:
                    selector.register(process.stdout, selectors.EVENT_READ)
                    answer = process.stdout.readline() if selector.select(self._patience_seconds) else None
            except BrokenPipeError:
                answer = b""
            if answer:
                problem: str | None = json.loads(answer)["problem"]
                return problem
            self.end()
        if answer is None:
            return f"The PDF takes longer than {self._patience_seconds:g} seconds to read; deliver its XML."
        return "The PDF cannot be read within the memory that one may take; deliver its XML."

    def _running(self) -> subprocess.Popen[bytes]:
        if self._process is None or self._process.poll() is not None:
            self.end()
            # Isolated: modules beside this one have names of the standard library.
            command = [sys.executable, "-I", str(Path(__file__))]
            self._process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE)
        return self._process

    def end(self) -> None:
        """End the process, if it runs."""
        if self._process is not None:
            self._process.kill()
            self._process.communicate()
            self._process = None


finder = Finder()
atexit.register(finder.end)


def answer(path: Path, target: Path) -> str | None:
    """What the process answers for one file."""
    if path.stat().st_size > MAX_PDF_BYTES:
        return f"A PDF invoice of more than {MAX_PDF_BYTES:,} bytes is not read; deliver its XML."
    file = BytesIO(path.read_bytes())
    try:
        content = _embedded_in(file)
    except MemoryError:
        return "The PDF cannot be read within the memory that one may take; deliver its XML."
    except Exception as error:  # pypdf lets errors of every kind through when a PDF is broken
        return f"It is no readable PDF ({type(error).__name__}: {error}); deliver it again."
    if isinstance(content, str):
        return content
    if len(content) > MAX_XML_BYTES:
        return f"Its embedded XML exceeds {MAX_XML_BYTES:,} bytes; deliver the XML itself."
    target.write_bytes(content)
    return None


def _embedded_in(file: BytesIO) -> bytes | str:
    """The one invoice of the PDF, or a sentence why there is not one."""
    from pypdf import PdfReader

    reader = PdfReader(file)
    if reader.is_encrypted:
        return "The PDF is encrypted; deliver it without a password."
    found = [
        embedded
        for embedded in reader.attachment_list
        if {name.lower() for name in (embedded.name, embedded.alternative_name) if name is not None} & XML_NAMES
    ]
    if not found:
        return f"The PDF embeds no invoice ({', '.join(sorted(XML_NAMES))}); deliver the XML."
    if len(found) > 1:
        return f"The PDF embeds {len(found)} invoices; deliver one a file."
    return found[0].content


def _main() -> None:
    import resource

    resource.setrlimit(resource.RLIMIT_AS, (_MEMORY_BYTES, _MEMORY_BYTES))
    # What is wrong with a file is said in its receipt; the library would say it again, object by object.
    logging.disable()
    for line in sys.stdin:
        request = json.loads(line)
        print(json.dumps({"problem": answer(Path(request["path"]), Path(request["target"]))}), flush=True)


if __name__ == "__main__":
    _main()
