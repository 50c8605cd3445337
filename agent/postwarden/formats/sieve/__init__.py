"""Sieve (RFC 5228) as Dovecot's Pigeonhole and Cyrus run it: script bytes into a mail flow and gaps."""

from postwarden.formats.sieve.decoding import decode

__all__ = ["decode"]
