"""The README.txt of an export: what it holds, and how to check it with our program and with other people's."""

from postwarden.ledger.note import encode_base64
from postwarden.ledger.proving import Sealed

_HEAD = """\
An export of the ledger {origin}, made by postwarden
{line}

It goes with a checkpoint over the first {size} records, whose root is {root}.
The ledger has a record of the kind export_made with the SHA-256 of the file SHA256SUMS here, so that somebody who has
the ledger can say that this, and nothing else, was handed out.

"""

_RECORDS = """\
  {file:<16}{what}
  proofs/         for each record, the proof that it is in the ledger, named by its index; it holds the record, too
  checkpoint      a signed statement of how many records the ledger had, and of the root of the tree over them
  keys/           the certificates of the signing keys, each signed by the key before it
  SHA256SUMS      the SHA-256 of every file

Records here: {count}{which}. What is not here was not asked for: the proofs show that what is here
is in the ledger, and not that nothing else is.

To check it
-----------
1. Are the files whole?

     sha256sum --check --quiet SHA256SUMS

2. Is a record in the ledger? VKEY is the ledger's first key. Take it from somebody who kept it when the ledger was made,
   and not from this folder: whoever could make up an export could make up keys as well.

     postwarden verify-proof proofs/INDEX.tlog-proof --key VKEY --keys keys

   for all of them:

     find proofs -name '*.tlog-proof' -print0 | xargs -0 postwarden verify-proof --key VKEY --keys keys

"""

_TILES = """\
  checkpoint      a signed statement of how many records the ledger had, and of the root of the tree over them
  tile/           the tree and the records as C2SP's tlog-tiles describes them; a web server may serve them as they are
  keys/           the certificates of the signing keys, each signed by the key before it
  SHA256SUMS      the SHA-256 of every file

Records here: {count}.

To check it
-----------
1. Are the files whole?

     sha256sum --check --quiet SHA256SUMS

2. Read tile/entries/, hash each record as RFC 6962 says, and compare the tree with the checkpoint: any client of
   tlog-tiles logs does so. The checkpoint's key follows from the ledger's first one, as below.

"""

_OTHERS = """\
With other tools
----------------
All formats are public: checkpoint and certificates are signed notes (c2sp.org/signed-note, c2sp.org/tlog-checkpoint), proofs
are c2sp.org/tlog-proof, the tree is RFC 6962 with SHA-256. A record's leaf is its line without the line feed, its
hash SHA-256 over a zero byte and that line. Go's golang.org/x/mod/sumdb/note opens the notes, its sumdb/tlog checks
the proofs (CheckRecord, CheckTree); for Python there is tlog-scales.

keys/00000000 is signed by the key that it names, which must be the one that somebody kept. keys/00000001 is signed by
that one and names the next, and so on without a gap. A certificate's lines are: postwarden.epoch/v1, the ledger's name,
the number, the size and the root at which it begins, the key, the time, and perhaps a second key. A key signs
checkpoints over more records than its certificate begins with, up to those that the next one begins with; a
checkpoint that another key has signed is worth nothing.
"""


def readme(sealed: Sealed, form: str, count: int, which: str) -> str:
    """The text; `which` says in words what was asked for, and is empty for everything."""
    origin = sealed.chain.origin
    title = f"An export of the ledger {origin}, made by postwarden"
    head = _HEAD.format(
        origin=origin,
        line="=" * len(title),
        size=sealed.position.size,
        root=encode_base64(sealed.position.root),
    )
    which = f" ({which})" if which else ""
    if form == "tlog-tiles":
        return head + _TILES.format(count=count) + _OTHERS
    what = (
        "the records, one line each, as they stand in the ledger"
        if form == "jsonl"
        else "the records for a spreadsheet; the last column has each as it stands"
    )
    return head + _RECORDS.format(file=f"records.{form}", what=what, count=count, which=which) + _OTHERS
