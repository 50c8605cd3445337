"""Sigma rules, compiled once into plain predicates over rows. pySigma parses; we decide what is supported.

What is not supported is an error with file and line when the rule loads, never a rule that silently does not
match.
"""

from postwarden.detect.sigma.compiler import compile_rule
from postwarden.detect.sigma.rule import Explanation, FieldTypes, Rule

__all__ = ["Explanation", "FieldTypes", "Rule", "compile_rule"]
