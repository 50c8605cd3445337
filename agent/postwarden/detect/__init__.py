"""Judging evidence: rows, rules, verdicts. No I/O."""
