"""Stops a process at changes of the files below a folder, and lets it go on (Linux: inotify)."""

import ctypes
import os
import select
import signal
import struct
import subprocess
import time
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

_MODIFY, _WRITTEN, _MOVED_TO, _CREATE, _DELETE = 0x2, 0x8, 0x80, 0x100, 0x200
_CHANGES = _MODIFY | _WRITTEN | _MOVED_TO | _CREATE | _DELETE
_IS_FOLDER = 0x40000000
_EVENT = struct.Struct("iIII")
_NONBLOCK = os.O_NONBLOCK
_STOPPED = frozenset("Tt")
_LONGEST_SECONDS = 600


def stops(process: "subprocess.Popen[bytes]", folder: Path) -> Iterator[int]:
    """Stop a process at every change that can be seen, and let it go on when the next stop is asked for.

    Yields:
        The number of changes so far.
    """
    changes = 0
    with closing(_Watch(folder)) as watch:
        while process.poll() is None:
            found = watch.wait()
            if not found or not _stop(process):
                continue
            changes += found + watch.drain()
            yield changes
            process.send_signal(signal.SIGCONT)


def _stop(process: "subprocess.Popen[bytes]") -> bool:
    """Stop a process, and wait until it is; False when it has ended."""
    process.send_signal(signal.SIGSTOP)
    until = time.monotonic() + _LONGEST_SECONDS
    while time.monotonic() < until:
        try:
            states = {
                (task / "stat").read_text(encoding="utf-8").rpartition(")")[2].split()[0]
                for task in Path(f"/proc/{process.pid}/task").iterdir()
            }
        except OSError:
            return False
        if states <= _STOPPED:
            return True
        if states & {"Z", "X"}:
            return False
        time.sleep(0.0005)
    raise TimeoutError(f"process {process.pid} does not stop")


class _Watch:
    """The changes below a folder; folders that are made are watched, too."""

    def __init__(self, folder: Path) -> None:
        self._libc = ctypes.CDLL(None, use_errno=True)
        self._file = self._libc.inotify_init1(_NONBLOCK)
        if self._file < 0:
            raise OSError(ctypes.get_errno(), "inotify is not to be had")
        self._folders: dict[int, Path] = {}
        self._watch(folder)

    def _watch(self, folder: Path) -> None:
        watched = self._libc.inotify_add_watch(self._file, os.fsencode(folder), _CHANGES)
        if watched >= 0:
            self._folders[watched] = folder
            for each in folder.iterdir():
                if each.is_dir():
                    self._watch(each)

    def wait(self) -> int:
        """Wait a moment for changes, and return how many there are."""
        ready, _, _ = select.select([self._file], [], [], 0.05)
        return self.drain() if ready else 0

    def drain(self) -> int:
        """Take the changes that are known, and return how many they are."""
        found = 0
        while True:
            try:
                data = os.read(self._file, 65536)
            except BlockingIOError:
                return found
            while data:
                watched, mask, _, length = _EVENT.unpack_from(data)
                name = data[_EVENT.size : _EVENT.size + length].rstrip(b"\0")
                data = data[_EVENT.size + length :]
                found += 1
                if mask & _IS_FOLDER and mask & _CREATE and watched in self._folders:
                    self._watch(self._folders[watched] / os.fsdecode(name))

    def close(self) -> None:
        """Stop watching."""
        os.close(self._file)
