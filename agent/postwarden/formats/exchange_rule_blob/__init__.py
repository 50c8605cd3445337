"""Exchange's stored rules ([MS-OXORULE]): actions and conditions as bytes into the mail-flow normal form.

Grade: the extended form (0x0E99, 0x0E9A) was checked against published samples; the standard form (0x65EF,
0x65F0) is written from documentation only.
"""

from postwarden.formats.exchange_rule_blob.actions import ActionsRead, read_actions
from postwarden.formats.exchange_rule_blob.conditions import ConditionRead, read_condition
from postwarden.formats.exchange_rule_blob.cursor import Form, RuleBlobError

__all__ = ["ActionsRead", "ConditionRead", "Form", "RuleBlobError", "read_actions", "read_condition"]
