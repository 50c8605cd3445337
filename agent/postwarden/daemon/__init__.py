"""`postwarden run`: when, how many at once, until when; what an audit is, is the pipeline's.

Where to look: `service` (one life: start, signals, watchdog, end), `sweeper` (what is due goes out, what was read
comes back), `readers` (the threads that wait for servers), `board` (the sources as they are open now), `books` (the
ledger, one thread at a time), `health` (findings about the agent itself), `policy` (what is in force), `clock`,
`systemd`, `running` (what `postwarden status` reads).
"""
