"""What is in a landed file: its hashes, unpacked and decoded, or refused with the reason."""

import gzip
import hashlib
import io
import zlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

from tieout.core.bounded import in_mib
from tieout.sources.landing import SIDECAR_SUFFIX, LandingFile, RejectionError, Sidecar

GZIP_MAGIC = b"\x1f\x8b"
LARGEST_CONTENT = 256 << 20
"""Of a file that is held in memory whole, unpacked; the logs of calls are not. A day of a large bill has a tenth."""
_LARGEST_EXPANSION = 200
_ALWAYS_UNPACKED = 64 << 20
_CHUNK_BYTES = 1 << 20
UTF16_MARKS = (b"\xff\xfe", b"\xfe\xff")


@dataclass(frozen=True)
class Digests:
    """SHA-256 of a file as landed and of its content after unpacking; equal unless it is gzipped."""

    landed: str
    content: str


def is_gzipped(location: Path) -> bool:
    """Tell by its first bytes, whatever its name says."""
    with location.open("rb") as file:
        return file.read(len(GZIP_MAGIC)) == GZIP_MAGIC


def digest_file(location: Path, observe: Callable[[bytes], object] | None = None, *, is_gzip: bool) -> Digests:
    """Hash a file of any size without holding it in memory.

    Args:
        location: the file.
        is_gzip: whether it is gzipped.
        observe: is given the unpacked content, chunk by chunk.

    Raises:
        RejectionError: a gzip file that is cut off or broken, or unpacks to more than an export would.
    """
    content = hashlib.sha256()
    for chunk in chunks(location, is_gzip=is_gzip):
        content.update(chunk)
        if observe is not None:
            observe(chunk)
    if not is_gzip:
        return Digests(content.hexdigest(), content.hexdigest())
    with location.open("rb") as file:
        return Digests(hashlib.file_digest(file, "sha256").hexdigest(), content.hexdigest())


def chunks(location: Path, *, is_gzip: bool) -> Iterator[bytes]:
    """Yield the content of a file in pieces, unpacked when it is gzipped.

    Raises:
        RejectionError: a gzip file that is cut off or broken, or unpacks to more than an export would.
    """
    try:
        if not is_gzip:
            with location.open("rb") as file:
                while chunk := file.read(_CHUNK_BYTES):
                    yield chunk
            return
        with gzip.open(location) as file:
            yield from _within(file, _most_unpacked(location.stat().st_size))
    except (EOFError, zlib.error, gzip.BadGzipFile) as error:
        raise broken_gzip(error) from None


def unpack(landed: bytes) -> bytes:
    """Return a file's content, unpacked when it is gzipped.

    Raises:
        RejectionError: a gzip file that is cut off or broken, or unpacks to more than an export would.
    """
    if not landed.startswith(GZIP_MAGIC):
        return landed
    try:
        with gzip.GzipFile(fileobj=io.BytesIO(landed)) as file:
            return b"".join(_within(file, min(LARGEST_CONTENT, _most_unpacked(len(landed)))))
    except (EOFError, zlib.error, OSError) as error:
        raise broken_gzip(error) from None


def _most_unpacked(landed_bytes: int) -> int:
    return _ALWAYS_UNPACKED + landed_bytes * _LARGEST_EXPANSION


def _within(file: BinaryIO | gzip.GzipFile, most_bytes: int) -> Iterator[bytes]:
    """Yield the unpacked content, and refuse it as soon as there is too much of it."""
    unpacked = 0
    while chunk := file.read(_CHUNK_BYTES):
        unpacked += len(chunk)
        if unpacked > most_bytes:
            raise RejectionError(
                f"the gzip file unpacks to more than {in_mib(most_bytes)}, which no export of its size does",
                detail=f"Exports become up to 40 times larger; {_LARGEST_EXPANSION} times are let pass.",
                fix="Look at where it comes from. If it is right, land it unpacked, in files of a day each.",
            )
        yield chunk


def broken_gzip(error: Exception) -> RejectionError:
    """Word the refusal of a gzip file that cannot be unpacked."""
    return RejectionError(
        "the gzip file is cut off or broken",
        detail=str(error),
        fix="Pull or copy the file again.",
    )


def check_digest(file: LandingFile, landed_sha256: str, sidecar: Sidecar | None) -> None:
    """Refuse a file that is not the one its sidecar describes.

    Raises:
        RejectionError: the hashes differ.
    """
    if sidecar is None or sidecar.sha256 is None or sidecar.sha256.lower() == landed_sha256:
        return
    raise RejectionError(
        "the file is not the one that was pulled: it was cut off or edited since",
        detail=f"sidecar sha256 {sidecar.sha256[:64]}, file sha256 {landed_sha256}",
        fix=f"Pull it again; if the edit is meant, delete {file.name}{SIDECAR_SUFFIX}.",
    )


def decode(content: bytes) -> str:
    """Decode a file's content as UTF-8, with or without a byte order mark.

    Raises:
        RejectionError: an empty file, UTF-16, or bytes that are not UTF-8.
    """
    if content.startswith(UTF16_MARKS):
        raise utf16()
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = content.count(b"\n", 0, error.start) + 1
        raise RejectionError(
            f"line {line}: byte {error.start} (0x{content[error.start]:02x}) is not UTF-8",
            fix="Export it again as UTF-8, straight from the modal command into the file.",
        ) from None
    if not text.strip():
        raise empty_file()
    return text


def utf16() -> RejectionError:
    """Word the refusal of UTF-16, as the arrow of PowerShell writes it."""
    return RejectionError(
        "the file is UTF-16, not UTF-8",
        fix="Write it as UTF-8; in PowerShell: modal … | Out-File -Encoding utf8 FILE.",
    )


def empty_file() -> RejectionError:
    """Word the refusal of a file with nothing in it."""
    return RejectionError(
        "the file is empty",
        fix="Export it again: even a report without rows prints [] (JSON) or a header line (CSV).",
    )
