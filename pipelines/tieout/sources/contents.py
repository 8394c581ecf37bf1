"""What is in a landed file: its hashes, unpacked and decoded, or refused with the reason."""

import gzip
import hashlib
import zlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

from tieout.sources.landing import SIDECAR_SUFFIX, LandingFile, RejectionError, Sidecar

GZIP_MAGIC = b"\x1f\x8b"
_CHUNK_BYTES = 1 << 20
_UTF16_MARKS = (b"\xff\xfe", b"\xfe\xff")


@dataclass(frozen=True)
class Digests:
    """SHA-256 of a file as landed and of its content after unpacking; equal unless it is gzipped."""

    landed: str
    content: str


def is_gzipped(location: Path) -> bool:
    """Tell by its first bytes, whatever its name says."""
    with location.open("rb") as file:
        return file.read(len(GZIP_MAGIC)) == GZIP_MAGIC


def digest_file(location: Path, observe: Callable[[bytes], object] | None = None) -> Digests:
    """Hash a file of any size without holding it in memory.

    Args:
        location: the file.
        observe: is given the unpacked content, chunk by chunk.

    Raises:
        RejectionError: a gzip file that is cut off or broken.
    """
    content = hashlib.sha256()
    for chunk in chunks(location):
        content.update(chunk)
        if observe is not None:
            observe(chunk)
    if not is_gzipped(location):
        return Digests(content.hexdigest(), content.hexdigest())
    with location.open("rb") as file:
        return Digests(hashlib.file_digest(file, "sha256").hexdigest(), content.hexdigest())


def chunks(location: Path) -> Iterator[bytes]:
    """Yield the content of a file in pieces, unpacked when it is gzipped.

    Raises:
        RejectionError: a gzip file that is cut off or broken.
    """
    try:
        with gzip.open(location) if is_gzipped(location) else location.open("rb") as file:
            while chunk := file.read(_CHUNK_BYTES):
                yield chunk
    except (EOFError, zlib.error, gzip.BadGzipFile) as error:
        raise broken_gzip(error) from None


def unpack(landed: bytes) -> bytes:
    """Return a file's content, unpacked when it is gzipped.

    Raises:
        RejectionError: a gzip file that is cut off or broken.
    """
    if not landed.startswith(GZIP_MAGIC):
        return landed
    try:
        return gzip.decompress(landed)
    except (EOFError, zlib.error, OSError) as error:
        raise broken_gzip(error) from None


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
    if content.startswith(_UTF16_MARKS):
        raise RejectionError(
            "the file is UTF-16, not UTF-8",
            fix="Write it as UTF-8; in PowerShell: modal … | Out-File -Encoding utf8 FILE.",
        )
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


def empty_file() -> RejectionError:
    """Word the refusal of a file with nothing in it."""
    return RejectionError(
        "the file is empty",
        fix="Export it again: even a report without rows prints [] (JSON) or a header line (CSV).",
    )
