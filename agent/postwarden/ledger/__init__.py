"""The append-only, signed files of records, which know nothing about mail.

Where to look, from the bottom: `files` (system calls), `tree` (RFC 6962), `note` (C2SP signed notes),
`checkpoint` and `keys` (the two notes of a ledger), `record` (the form of a line), `segments` (the files of
`records/`), `quarantine`, `blobs`, `lock`, `writer` (the order of a commit), `store` (`Ledger`,
`open_ledger`), `creation` (`create`) and, on its own, `verify`.
"""
