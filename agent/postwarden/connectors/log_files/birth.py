"""When a file was made: inode numbers are given again, so that an emptied file looks like a new one without it.

Python has no call for it before 3.15; this is statx(2) of the C library.
"""

import ctypes
import struct
from functools import lru_cache

_AT_EMPTY_PATH, _STATX_BTIME, _SIZE = 0x1000, 0x800, 256
#: stx_mask at the beginning; stx_btime, seconds and nanoseconds, behind stx_atime (linux/stat.h).
_MASK, _BIRTH = struct.Struct("=I"), struct.Struct("=qI")
_BIRTH_AT = 80


def born(descriptor: int) -> int:
    """When the open file was made, in nanoseconds since 1970; 0 where library or file system do not tell."""
    statx = _statx()
    buffer = ctypes.create_string_buffer(_SIZE)
    if statx is None or statx(descriptor, b"", _AT_EMPTY_PATH, _STATX_BTIME, buffer) != 0:
        return 0
    (mask,) = _MASK.unpack_from(buffer)
    if not mask & _STATX_BTIME:
        return 0
    seconds, nanoseconds = _BIRTH.unpack_from(buffer, _BIRTH_AT)
    return int(seconds) * 1_000_000_000 + int(nanoseconds)


@lru_cache(maxsize=1)
def _statx() -> "ctypes._NamedFuncPointer | None":
    function = getattr(ctypes.CDLL(None), "statx", None)
    if function is not None:
        function.argtypes = (ctypes.c_int, ctypes.c_char_p, ctypes.c_int, ctypes.c_uint, ctypes.c_char_p)
        function.restype = ctypes.c_int
    return function
