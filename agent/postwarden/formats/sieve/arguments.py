"""Arguments of a command or test, told apart: tags with their values, and what stands by its position."""

from collections.abc import Mapping

from msgspec import Struct

from postwarden.formats.sieve.syntax import Argument, Number, Strings, Tag

#: Tags that are followed by a value, over all extensions of the IANA registry that Pigeonhole and Cyrus have;
#: the grammar does not say which.
_WITH_VALUE = frozenset(
    {
        *(
            "comparator",
            "value",
            "count",
            "index",
            "content",
            "param",
            "zone",
            "handle",
            "uniqueid",
            "header",
        ),
        *("flags", "fcc", "mailboxid", "specialuse", "days", "seconds", "subject", "from", "addresses"),
        *("importance", "options", "message", "method", "id", "notify", "ret", "bytimerelative"),
        *("bytimeabsolute", "bymode", "input", "output"),
    }
)


class Arguments(Struct, frozen=True, kw_only=True):
    """`tags` by name, with the value that follows; `positional` in their order."""

    tags: Mapping[str, Strings | Number | None]
    positional: tuple[Strings | Number, ...]

    def strings(self) -> tuple[tuple[str, ...], ...]:
        """The positional strings and string lists."""
        return tuple(value.values for value in self.positional if isinstance(value, Strings))

    def last(self) -> tuple[str, ...]:
        """The last positional strings. Sieve puts tags first, so the value of an unknown one is never last."""
        found = self.strings()
        return found[-1] if found else ()

    def tagged(self, name: str) -> tuple[str, ...]:
        """The strings that follow a tag; none where the tag is absent."""
        value = self.tags.get(name)
        return value.values if isinstance(value, Strings) else ()


def told_apart(arguments: tuple[Argument, ...]) -> Arguments:
    """The arguments by tag and by position."""
    tags: dict[str, Strings | Number | None] = {}
    positional: list[Strings | Number] = []
    waiting: str | None = None
    for argument in arguments:
        if isinstance(argument, Tag):
            tags[argument.name] = None
            waiting = argument.name if argument.name in _WITH_VALUE else None
        elif waiting is not None:
            tags[waiting] = argument
            waiting = None
        else:
            positional.append(argument)
    return Arguments(tags=tags, positional=tuple(positional))
