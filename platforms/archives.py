"""ZIP files that bills come in: looked into with limits, inflated as a stream.

Nothing is ever unpacked to a disk, so names, links and folders of an archive
mean nothing here. What an archive says of its sizes is not believed: the bytes
that come out are counted. Limits: reliability.md §4 (OWASP ASVS 5.2.3).
"""

from __future__ import annotations

import io
import struct
import zipfile
import zlib
from typing import Any, BinaryIO, Final

from platforms.contract import ReadError

MAGIC: Final = b"PK\x03\x04"
MAX_MEMBERS: Final = 200
MAX_BYTES: Final = 512 * 1024 * 1024
MAX_RATIO: Final = 100
# Below this a high ratio is a small file of equal rows and no bomb.
RATIO_FROM: Final = 1024 * 1024
MAX_DIRECTORY: Final = 1024 * 1024

_END: Final = b"PK\x05\x06"
_END_64: Final = b"PK\x06\x07"
_END_LONGEST: Final = 22 + 65_535
UNSOUND: Final = (
    *(zipfile.BadZipFile, zlib.error, struct.error, EOFError, NotImplementedError),
    *(RuntimeError, ValueError, OverflowError, OSError, MemoryError),
)
"""Everything zipfile is known to raise for bytes that are no sound archive."""


class Archive:
    """A ZIP, opened for reading; raises ReadError for one that is unsound or too large."""

    def __init__(self, stream: BinaryIO) -> None:
        _check_directory(stream)
        try:
            self._zip = zipfile.ZipFile(stream)
        except UNSOUND as error:
            raise _damaged(error) from error
        self._members = [info for info in self._zip.infolist() if not info.is_dir()]
        if len(self._members) > MAX_MEMBERS:
            raise ReadError("the ZIP holds too many files")

    def __len__(self) -> int:
        return len(self._members)

    @property
    def largest(self) -> int | None:
        """The position of the largest member as the archive says; None if it is empty."""
        sizes = [info.file_size for info in self._members]
        return sizes.index(max(sizes)) if sizes else None

    def place(self, name: str) -> int | None:
        """Where the member of exactly this name stands, None if there is none.

        For formats that are themselves an archive (xlsx). Raises ReadError for two of one name.
        """
        found = [place for place, info in enumerate(self._members) if info.filename == name]
        if len(found) > 1:
            raise ReadError(f"the ZIP holds {name} twice")
        return found[0] if found else None

    def head(self, position: int, size: int) -> bytes:
        """The first bytes of a member, at most `size`. Raises ReadError."""
        with self.open(position) as member:
            return member.read(size)

    def open(self, position: int) -> BinaryIO:
        """A member as a seekable stream that counts what it gives. Raises ReadError."""
        info = self._members[position]
        if info.flag_bits & 1:
            raise ReadError("the ZIP is encrypted: unpack it and upload the file inside")
        return io.BufferedReader(_Inflated(self._zip, info), buffer_size=64 * 1024)


class _Inflated(io.RawIOBase):
    """The bytes of one member, never more than the limits allow."""

    def __init__(self, archive: zipfile.ZipFile, info: zipfile.ZipInfo) -> None:
        super().__init__()
        try:
            self._stream = archive.open(info)
        except UNSOUND as error:
            raise _damaged(error) from error
        self._most = min(MAX_BYTES, max(RATIO_FROM, MAX_RATIO * info.compress_size))
        self._given = 0

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        try:
            block = self._stream.read(len(buffer))
        except UNSOUND as error:
            raise _damaged(error) from error
        self._given += len(block)
        if self._given > self._most:
            raise ReadError("the ZIP holds far more than its size allows")
        buffer[: len(block)] = block
        return len(block)

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        try:
            self._given = self._stream.seek(offset, whence)
        except UNSOUND as error:
            raise _damaged(error) from error
        return self._given

    def tell(self) -> int:
        return self._given


def _check_directory(stream: BinaryIO) -> None:
    """Refuse a directory of files that would take much memory to read.

    `zipfile` reads all of it at once: 200 MB of directory would become millions
    of objects. A bill needs no ZIP64, which could state other sizes elsewhere.
    """
    size = stream.seek(0, io.SEEK_END)
    stream.seek(max(0, size - _END_LONGEST - 20))
    tail = stream.read()
    stream.seek(0)
    place = tail.rfind(_END)
    if place < 0 or len(tail) - place < 22:
        raise ReadError("the ZIP has no end: it was cut")
    count, directory = struct.unpack("<HI", tail[place + 10 : place + 16])
    if count > MAX_MEMBERS or directory > MAX_DIRECTORY or _END_64 in tail[:place]:
        raise ReadError("the ZIP holds too many files")


def _damaged(error: BaseException) -> ReadError:
    return ReadError(f"the ZIP is damaged: {error}")
