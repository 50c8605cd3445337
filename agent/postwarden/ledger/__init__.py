"""The append-only, signed files of records, which know nothing about mail.

Where to look, from the bottom: `files` (system calls), `filesystem` (which may hold a ledger), `tree` (RFC 6962),
`note` and `cosignature` (C2SP signed notes), `checkpoint` and `epochs` (the notes of a ledger), `private_keys`,
`record` (the form of a line), `own_records` (those that the ledger reads itself), `segments` (the files of
`records/`), `quarantine`, `blobs`, `reserve`, `lock`.

To write: `writer` (the order of a commit), `advance` (what was read before), `rotation` (the next key), `pruning`,
`reading` and `store` (`Ledger`, `open_ledger`), `creation` (`create`).

To verify: `scan` (one segment), `spread` (over processes), `tally` (what own records say), `verify`, `predecessors`.

For others: `nodes` (the tree at any place), `proofs` (RFC 9162), `proof_file` and `tiles` (C2SP's files), `proving`
(proofs from a ledger) and `verify_proof` (their check without one).
"""
