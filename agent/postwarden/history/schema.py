"""The tables. Texts are stored once and named by number; times are milliseconds since 1970, days are days since 1970."""

VERSION = 1

#: Tables whose rows are what came in, in the order in which a day's digest takes them, with the columns that name texts
#: (`t`) or addresses (`a`). Rows of these are never changed; only whole old days are removed.
ARRIVED: dict[str, tuple[tuple[str, str], ...]] = {
    "access": (
        ("source", "t"), ("content", ""), ("at", ""), ("day", ""), ("time", ""), ("stage", "t"), ("protocol", "t"),
        ("name", "t"), ("address", "a"), ("port", ""), ("server", "a"), ("forwarded", "a"), ("client", "t"),
        ("application", "t"), ("session", ""), ("identity", "t"), ("method", "t"), ("encrypted", ""),
        ("attempts", ""), ("reason", ""),
    ),
    "ending": (
        ("access", ""), ("content", ""), ("at", ""), ("day", ""), ("time", ""), ("reason", ""), ("requests", ""),
        ("bytes_in", ""), ("bytes_out", ""), ("bodies", ""), ("body_bytes", ""), ("headers", ""), ("header_bytes", ""),
        ("deleted", ""), ("expunged", ""),
    ),
    "act": (
        ("source", "t"), ("content", ""), ("at", ""), ("day", ""), ("time", ""), ("deed", "t"), ("protocol", "t"),
        ("access", ""), ("name", "t"), ("session", ""), ("address", "a"), ("folder", "t"), ("uid", ""),
        ("message_id", ""), ("size", ""), ("detail", ""),
    ),
    "transfer": (
        ("source", "t"), ("content", ""), ("at", ""), ("day", ""), ("time", ""), ("sender", "t"), ("recipients", "t"),
        ("message_id", ""), ("size", ""), ("direction", "t"), ("outcome", "t"), ("name", "t"), ("address", "a"),
        ("queue", ""), ("original", "t"),
    ),
    # A beginning that came behind its end: `ended` is the row that the end had made.
    "late": (("source", "t"), ("day", ""), ("time", ""), ("access", ""), ("ended", "")),
    "mishap": (
        ("source", "t"), ("day", ""), ("time", ""), ("mishap", "t"), ("path", "t"), ("words", ""), ("lost", ""),
    ),
}  # fmt: skip


def _table(name: str) -> str:
    # Numbers are never given twice, whatever was removed: a day is a range of them.
    columns = ", ".join(f"{column} {'TEXT' if column in _TEXT else 'INTEGER'}" for column, _ in ARRIVED[name])
    return f"CREATE TABLE {name} (id INTEGER PRIMARY KEY AUTOINCREMENT, {columns})"


_TEXT = frozenset({"session", "message_id", "detail", "queue", "words", "reason"})

SCHEMA = (
    "CREATE TABLE text (id INTEGER PRIMARY KEY, text TEXT NOT NULL UNIQUE)",
    # 16 bytes, IPv4 as mapped into IPv6, so that a network is a range; what is no address has only its text.
    "CREATE TABLE address (id INTEGER PRIMARY KEY, packed BLOB UNIQUE, text TEXT NOT NULL UNIQUE)",
    *(_table(name) for name in ARRIVED),
    "CREATE INDEX access_address ON access (address) WHERE address IS NOT NULL",
    "CREATE INDEX access_forwarded ON access (forwarded) WHERE forwarded IS NOT NULL",
    "CREATE INDEX access_name ON access (name)",
    "CREATE INDEX access_client ON access (client) WHERE client IS NOT NULL",
    "CREATE INDEX access_application ON access (application) WHERE application IS NOT NULL",
    "CREATE INDEX ending_access ON ending (access)",
    "CREATE INDEX late_access ON late (access)",
    "CREATE INDEX late_ended ON late (ended)",
    "CREATE INDEX act_access ON act (access) WHERE access IS NOT NULL",
    "CREATE INDEX transfer_message ON transfer (message_id) WHERE message_id IS NOT NULL",
    (
        "CREATE TABLE first_seen (name INTEGER, kind TEXT, value INTEGER, time INTEGER, PRIMARY KEY (name, kind, value))"
        " WITHOUT ROWID"
    ),
    "CREATE TABLE content (key INTEGER PRIMARY KEY, source INTEGER NOT NULL, cursor BLOB NOT NULL)",
    "CREATE INDEX content_source ON content (source)",
    "CREATE TABLE open_session (source INTEGER, session TEXT, access INTEGER, PRIMARY KEY (source, session)) WITHOUT ROWID",
    "CREATE TABLE open_end (source INTEGER, session TEXT, access INTEGER, PRIMARY KEY (source, session)) WITHOUT ROWID",
    "CREATE TABLE open_group (source INTEGER, key TEXT, grouped BLOB, PRIMARY KEY (source, key)) WITHOUT ROWID",
    # What a source is known to be like: see sources.Standing.
    "CREATE TABLE source (source INTEGER PRIMARY KEY, standing BLOB NOT NULL)",
    (
        "CREATE TABLE unread (source INTEGER, day INTEGER, shape TEXT, count INTEGER, sample TEXT,"
        " PRIMARY KEY (source, day, shape)) WITHOUT ROWID"
    ),
    # The first row of each table that came on a day or later, and, once the day is closed, its digest.
    "CREATE TABLE day (day INTEGER PRIMARY KEY, firsts TEXT NOT NULL, closed TEXT)",
    f"PRAGMA user_version = {VERSION}",
)


#: The number that the next row of a table gets.
NEXT = "SELECT coalesce((SELECT seq FROM sqlite_sequence WHERE name = ?), 0) + 1"
