"""Writers of rule bytes, each as [MS-OXORULE] and [MS-OXCDATA] describe them."""

import struct
from types import SimpleNamespace

import pytest

from postwarden.formats.exchange_rule_blob import Form


class Writer(SimpleNamespace):
    """Writes one form; COUNT fields have its width."""

    form: Form

    def count(self, number: int) -> bytes:
        return struct.pack("<I" if self.form == "extended" else "<H", number)

    def text(self, number: int, value: str) -> bytes:
        return struct.pack("<HH", 0x001F, number) + value.encode("utf-16-le", "surrogatepass") + b"\0\0"

    def binary(self, number: int, value: bytes) -> bytes:
        return struct.pack("<HH", 0x0102, number) + self.count(len(value)) + value

    def long(self, number: int, value: int) -> bytes:
        return struct.pack("<HHI", 0x0003, number, value)

    def action(self, kind: int, data: bytes = b"", flavor: int = 0) -> bytes:
        block = struct.pack("<BII", kind, flavor, 0) + data
        return self.count(len(block)) + block

    def recipients(self, *everybody: tuple[bytes, ...]) -> bytes:
        blocks = (b"\1" + self.count(len(one)) + b"".join(one) for one in everybody)
        return self.count(len(everybody)) + b"".join(blocks)

    def actions(self, *blocks: bytes) -> bytes:
        header = b"\0\0" + struct.pack("<I", 1) if self.form == "extended" else b""
        return header + self.count(len(blocks)) + b"".join(blocks)

    def folder(self, store: bytes, folder: bytes, *, here: bool = True) -> bytes:
        flag = b"" if self.form == "extended" else struct.pack("<B", here)
        return flag + self.count(len(store)) + store + self.count(len(folder)) + folder

    def several(self, kind: int, *parts: bytes) -> bytes:
        return bytes([kind]) + self.count(len(parts)) + b"".join(parts)

    def contains(self, number: int, value: str, level: int = 0x10001) -> bytes:
        return struct.pack("<BIHH", 3, level, 0x001F, number) + self.text(number, value)

    def compares(self, relation: int, number: int, value: bytes) -> bytes:
        return struct.pack("<BB", 4, relation) + value[:4] + value

    def smtp(self, address: str) -> tuple[bytes, ...]:
        return (self.text(0x3001, "Somebody"), self.text(0x3002, "SMTP"), self.text(0x3003, address))


@pytest.fixture(params=["standard", "extended"])
def write(request: pytest.FixtureRequest) -> Writer:
    """A writer of each form."""
    return Writer(form=request.param)


@pytest.fixture
def extended() -> Writer:
    """A writer of the extended form."""
    return Writer(form="extended")


@pytest.fixture
def standard() -> Writer:
    """A writer of the standard form."""
    return Writer(form="standard")
