"""Names and addresses as Graph writes them."""

from msgspec import Struct

from postwarden.model.encoding import encodable


class _Address(Struct, frozen=True, kw_only=True):
    name: str | None = None
    address: str | None = None


class Recipient(Struct, frozen=True, kw_only=True, rename="camel"):
    """Somebody by address; in rules of old the address may be a directory's name, or missing."""

    email_address: _Address = _Address()

    @property
    def name_or_address(self) -> str:
        return encodable(self.email_address.address or self.email_address.name or "")
