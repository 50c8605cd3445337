"""Exit codes. Where several apply: 70 before 4 before 2 before 1 before 3 before 0."""

CLEAN = 0
FINDINGS = 1
USAGE = 2
UNREADABLE = 3
NOT_SOUND = 4
BUG = 70
#: 128 + SIGINT, as shells have it.
INTERRUPTED = 130
