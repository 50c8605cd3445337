"""Outside memory: what others keep of our checkpoints, so that a ledger that was rolled back does not go unseen.

Checkpoints go out to whatever is configured, and are read back before anything is signed. And the other side of
it: a small witness, which keeps and cosigns the checkpoints of others.
"""
