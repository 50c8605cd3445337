"""Reading little-endian numbers and strings from bytes that nobody vouches for."""

import struct
from typing import Literal

from postwarden.errors import ConnectorError
from postwarden.model.encoding import decodable, encodable

#: Bytes of one property; Exchange holds all rules of a mailbox in less (256 KiB by default).
MAX_BYTES = 1 << 20

#: `standard` counts with 16 bits, `extended` with 32 ([MS-OXCDATA] section 2.11.1.1).
Form = Literal["standard", "extended"]


class RuleBlobError(ConnectorError):
    """The bytes are no rule, or larger than we read; `offset` is where that showed."""

    def __init__(self, message: str, offset: int) -> None:
        super().__init__(message, reason="malformed")
        self.offset = offset


class Cursor:
    """A position in `raw` that cannot leave it; every method raises RuleBlobError instead."""

    def __init__(self, raw: bytes, form: Form, *, start: int = 0, end: int | None = None) -> None:
        if len(raw) > MAX_BYTES:
            raise RuleBlobError(f"larger than {MAX_BYTES} bytes", 0)
        self._raw = raw
        self.form: Form = form
        self.offset = start
        self._end = len(raw) if end is None else end

    @property
    def left(self) -> int:
        return self._end - self.offset

    def take(self, length: int) -> bytes:
        if length > self.left:
            raise RuleBlobError(f"{length} bytes are announced and {self.left} are left", self.offset)
        taken = self._raw[self.offset : self.offset + length]
        self.offset += length
        return taken

    def part(self, length: int) -> "Cursor":
        """The next `length` bytes as a cursor of their own, with the same offsets; they are passed over here."""
        begin = self.offset
        self.take(length)
        return Cursor(self._raw, self.form, start=begin, end=begin + length)

    def u8(self) -> int:
        return self.take(1)[0]

    def u16(self) -> int:
        return int.from_bytes(self.take(2), "little")

    def u32(self) -> int:
        return int.from_bytes(self.take(4), "little")

    def signed(self, length: int) -> int:
        return int.from_bytes(self.take(length), "little", signed=True)

    def real(self, length: Literal[4, 8]) -> float:
        value: float = struct.unpack("<f" if length == 4 else "<d", self.take(length))[0]
        return value

    def count(self) -> int:
        """A COUNT: 16 or 32 bits by the form; never more than bytes are left, since each element takes some."""
        begin = self.offset
        value = self.u32() if self.form == "extended" else self.u16()
        if value > self.left:
            raise RuleBlobError(f"{value} elements are announced and {self.left} bytes are left", begin)
        return value

    def text16(self) -> str:
        """UTF-16 up to its zero; lone surrogates come out as backslash escapes."""
        end = self.offset
        while True:
            end = self._raw.find(b"\0\0", end, self._end)
            if end < 0:
                raise RuleBlobError("a string does not end", self.offset)
            if (end - self.offset) % 2 == 0:
                break
            end += 1
        text = self._raw[self.offset : end].decode("utf-16-le", "surrogatepass")
        self.offset = end + 2
        return encodable(text)

    def text8(self) -> str:
        """Bytes up to their zero; what is not UTF-8 comes out as backslash escapes, for the code page is unknown."""
        end = self._raw.find(b"\0", self.offset, self._end)
        if end < 0:
            raise RuleBlobError("a string does not end", self.offset)
        text = decodable(self._raw[self.offset : end])
        self.offset = end + 1
        return text
