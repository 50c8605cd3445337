"""The append-only, signed files of records, which know nothing about mail.

Where to look, from the bottom: `files` (system calls), `tree` (RFC 6962), `note` (C2SP signed notes),
`checkpoint` and `keys` (the two notes of a ledger), `record` (the form of a line), `segments` (the files of
`records/`), `quarantine`, `blobs`, `lock`, `writer` (the order of a commit), `store` (`Ledger`,
`open_ledger`), `creation` (`create`) and, on its own, `verify`.

For others: `nodes` (the tree at any place), `proofs` (RFC 9162), `proof_file` and `tiles` (C2SP's files), `proving`
(proofs from a ledger) and `verify_proof` (their check without one).
"""
