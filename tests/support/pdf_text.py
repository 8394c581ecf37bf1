"""Reads the words of a PDF that ReportLab made: the strings of its pages, in the letters of their fonts."""

import base64
import re
import zlib

_OBJECT = re.compile(rb"(\d+) 0 obj\s(.*?)endobj", re.DOTALL)
_STREAM = re.compile(rb"stream\r?\n(.*?)endstream", re.DOTALL)
_PART = re.compile(rb"/(F\d+\+?\d*) [\d.]+ Tf|\(((?:\\.|[^\\()])*)\) Tj|T\*|ET", re.DOTALL)
_ESCAPE = re.compile(rb"\\([0-7]{1,3}|.)", re.DOTALL)
_LETTERS = re.compile(rb"<([0-9A-Fa-f]+)> <([0-9A-Fa-f]+)>(?: <([0-9A-Fa-f]+)>)?")


def pdf_text(content: bytes) -> str:
    """Return the text of all pages, words parted by single spaces."""
    objects = {int(number): body for number, body in _OBJECT.findall(content)}
    fonts = _fonts(objects)
    said: list[str] = []
    for body in objects.values():
        stream = _STREAM.search(body)
        if stream is None or b"/Subtype" in body or b"/Length1" in body:
            continue
        drawn = _decoded(body, stream[1])
        if b" Tf" not in drawn:
            continue
        letters: dict[int, str] = {}
        for font, text in _PART.findall(drawn):
            letters = fonts.get(font, letters) if font else letters
            said.append(
                "".join(letters.get(byte, chr(byte)) for byte in _ESCAPE.sub(_unescaped, text)) if text else " "
            )
    return " ".join("".join(said).split())


def _fonts(objects: dict[int, bytes]) -> dict[bytes, dict[int, str]]:
    """The letters of every font's codes, by the font's name on the page."""
    fonts = {}
    for body in objects.values():
        for name, number in re.findall(rb"/(F\d+\+\d+) (\d+) 0 R", body):
            found = re.search(rb"/ToUnicode (\d+) 0 R", objects[int(number)])
            if found:
                table = objects[int(found[1])]
                stream = _STREAM.search(table)
                assert stream is not None
                fonts[name] = _letters(_decoded(table, stream[1]))
    return fonts


def _letters(table: bytes) -> dict[int, str]:
    known: dict[int, str] = {}
    for first, second, third in _LETTERS.findall(table[table.find(b"begincodespacerange") + 60 :]):
        code, letter = int(first, 16), int(third or second, 16)
        known[code] = chr(letter)
    return known


def _decoded(body: bytes, stream: bytes) -> bytes:
    data = stream.strip()
    if b"ASCII85Decode" in body:
        data = base64.a85decode(data.removesuffix(b"~>"))
    return zlib.decompress(data) if data.startswith(b"x") else data  # a compressed stream begins so


def _unescaped(match: re.Match[bytes]) -> bytes:
    value = match[1]
    if value.isdigit():
        return bytes([int(value, 8)])
    return {b"n": b"\n", b"r": b"\r", b"t": b"\t"}.get(value, value)
