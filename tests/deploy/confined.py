"""`python confined.py SPEC PROGRAM ARGUMENT…`: runs a program under what a unit's sandbox forbids.

SPEC is JSON: system_calls that are allowed (any other gives EPERM), families of sockets, capabilities that are left
(None leaves them alone). Beside them, as systemd 252 does it: no memory that is writable and executable, no
namespaces, no set-uid files. It is an emulation: the filters are built with libseccomp from systemd's own sets, and
put on by this process instead of by systemd.
"""

import ctypes
import ctypes.util
import errno
import json
import os
import socket
import sys
from pathlib import Path
from typing import Any

ALLOW, ERRNO, UNKNOWN = 0x7FFF0000, 0x00050000, -1
EQ, GT, MASKED = 4, 6, 7

PR_SET_NO_NEW_PRIVS, PR_CAPBSET_DROP, PR_SET_MDWE = 38, 24, 65
CAPABILITIES = {"CAP_DAC_READ_SEARCH": 2}
LAST_CAPABILITY = 63

WRITE, EXECUTE, SHM_EXEC = 2, 4, 0o100000
NAMESPACES = (0x00000080, 0x00020000, 0x02000000, 0x04000000, 0x08000000, 0x10000000, 0x20000000, 0x40000000)
SET_IDS = (0o4000, 0o2000)
#: System call → the argument that has the mode of a file that it makes or changes.
MODES = {
    "chmod": 1,
    "fchmod": 1,
    "fchmodat": 2,
    "mkdir": 1,
    "mkdirat": 2,
    "mknod": 1,
    "mknodat": 2,
    "creat": 1,
}


class Compare(ctypes.Structure):
    """A comparison of one argument, as in seccomp.h."""

    _fields_ = (("arg", ctypes.c_uint), ("op", ctypes.c_int), ("a", ctypes.c_uint64), ("b", ctypes.c_uint64))


seccomp = ctypes.CDLL(ctypes.util.find_library("seccomp") or "libseccomp.so.2", use_errno=True)
seccomp.seccomp_init.restype = ctypes.c_void_p
libc = ctypes.CDLL(None, use_errno=True)


class Filter:
    """One filter; several stack, and the strictest answer counts."""

    def __init__(self, otherwise: int) -> None:
        self._context = ctypes.c_void_p(seccomp.seccomp_init(ctypes.c_uint32(otherwise)))
        assert self._context.value is not None

    def rule(self, action: int, call: str, *compares: Compare) -> None:
        number = seccomp.seccomp_syscall_resolve_name(call.encode())
        if number == UNKNOWN:
            return  # this architecture has no such call
        array = (Compare * len(compares))(*compares)
        code = seccomp.seccomp_rule_add_array(
            self._context, ctypes.c_uint32(action), ctypes.c_int(number), ctypes.c_uint(len(compares)), array
        )
        # A call that only another architecture has cannot be compared here.
        assert code == 0 or number < 0, (call, code)

    def load(self) -> None:
        code = seccomp.seccomp_load(self._context)
        assert code == 0, code


def masked(argument: int, bits: int) -> Compare:
    return Compare(argument, MASKED, bits, bits)


def refusing(number: int) -> int:
    return ERRNO | number


def restrictions(families: list[str]) -> None:
    """MemoryDenyWriteExecute, RestrictNamespaces, RestrictSUIDSGID and RestrictAddressFamilies."""
    forbidding = Filter(ALLOW)
    refuse = refusing(errno.EPERM)
    forbidding.rule(refuse, "mmap", masked(2, WRITE | EXECUTE))
    forbidding.rule(refuse, "mprotect", masked(2, EXECUTE))
    forbidding.rule(refuse, "pkey_mprotect", masked(2, EXECUTE))
    forbidding.rule(refuse, "shmat", masked(2, SHM_EXEC))
    for bit in NAMESPACES:
        forbidding.rule(refuse, "unshare", masked(0, bit))
        forbidding.rule(refuse, "clone", masked(0, bit))
    forbidding.rule(refuse, "setns")
    # Their flags lie in memory, where no filter sees them.
    forbidding.rule(refusing(errno.ENOSYS), "clone3")
    forbidding.rule(refusing(errno.ENOSYS), "openat2")
    for bit in SET_IDS:
        for call, argument in MODES.items():
            forbidding.rule(refuse, call, masked(argument, bit))
        forbidding.rule(refuse, "open", masked(1, os.O_CREAT), masked(2, bit))
        forbidding.rule(refuse, "openat", masked(2, os.O_CREAT), masked(3, bit))
    allowed = {int(getattr(socket, family)) for family in families}
    for family in set(range(64)) - allowed:
        forbidding.rule(refusing(errno.EAFNOSUPPORT), "socket", Compare(0, EQ, family, 0))
    forbidding.rule(refusing(errno.EAFNOSUPPORT), "socket", Compare(0, GT, 63, 0))
    forbidding.load()


def confine(spec: dict[str, Any]) -> None:
    if spec["capabilities"] is not None:
        kept = {CAPABILITIES[name] for name in spec["capabilities"]}
        for capability in set(range(LAST_CAPABILITY + 1)) - kept:
            libc.prctl(PR_CAPBSET_DROP, capability, 0, 0, 0)
    assert libc.prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0
    restrictions(spec["families"])
    libc.prctl(PR_SET_MDWE, 1, 0, 0, 0)  # Linux 6.3; systemd 253 uses it beside its filter
    allowing = Filter(refusing(errno.EPERM))
    for call in spec["system_calls"]:
        allowing.rule(ALLOW, call)
    allowing.load()


if __name__ == "__main__":
    confine(json.loads(Path(sys.argv[1]).read_text(encoding="utf-8")))
    os.execv(sys.argv[2], sys.argv[2:])
