"""Response messages: success, warning and error, as every operation's answer has them."""

from collections.abc import Callable, Iterable

from postwarden.lab.exchange.access import Refused
from postwarden.lab.exchange.elements import Content, Element, new


def response(operation: str, messages: Iterable[Element]) -> Element:
    """An answer that lists response messages."""
    return new(f"m:{operation}Response", new("m:ResponseMessages", *messages))


def success(tag: str, *content: Content) -> Element:
    """A response message without complaint."""
    return new(tag, new("m:ResponseCode", "NoError"), *content, ResponseClass="Success")


def failure(tag: str, refused: Refused, *content: Content, kind: str = "Error") -> Element:
    """A response message that is an error, or of `kind` Warning, which has content all the same."""
    return new(
        tag,
        new("m:MessageText", refused.message),
        new("m:ResponseCode", refused.code),
        new("m:DescriptiveLinkKey", 0),
        *content,
        ResponseClass=kind,
    )


def attempt(tag: str, make: Callable[[], Element], *empty: str) -> Element:
    """What `make` makes, or the error that it meets; an error holds the `empty` elements that the schema asks for."""
    try:
        return make()
    except Refused as refused:
        return failure(tag, refused, *(new(one) for one in empty))
