"""What applications are judged by: the shipped tables, and the administrator's own lists."""

from msgspec import Struct

from postwarden.grants.catalogue import EMPTY, Catalogue
from postwarden.grants.weights import Weights


class GrantTables(Struct, frozen=True, kw_only=True, eq=False):
    """`allow` and `block` are ids of applications in lower case, which the administrator lists in `[grants]`.

    An allowed application's grants are inventory: its name, publisher, age and scopes are no findings. Keys and owners
    that were added to it are, since they are somebody else's doing. A blocked one is a finding at once.
    """

    weights: Weights
    catalogue: Catalogue = EMPTY
    allow: frozenset[str] = frozenset()
    block: frozenset[str] = frozenset()
