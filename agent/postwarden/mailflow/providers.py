"""Mail providers that anybody gets an address at: free ones, and ones for addresses to throw away."""

from collections.abc import Mapping

from msgspec import Struct

from postwarden.errors import ConfigError
from postwarden.model.address import domain_of, in_domains


class Providers(Struct, frozen=True):
    """Domains by class (`freemail`, `throwaway`), lower case and in ASCII."""

    classes: tuple[tuple[str, tuple[str, ...]], ...] = ()

    def class_of(self, domain: str | None) -> str | None:
        """The class that `domain`, or a domain above it, is of."""
        if domain is None:
            return None
        return next((name for name, domains in self.classes if in_domains(domain, domains)), None)


def providers_from(mapping: Mapping[str, object]) -> Providers:
    """The table out of arrays of domains, one for each class; raises ConfigError where the shape is another."""
    classes = []
    for name, listed in mapping.items():
        if not isinstance(listed, list | tuple):
            raise ConfigError("not an array of domains", "write class = [domains]", key=name)
        for domain in listed:
            if not isinstance(domain, str) or domain_of(f"x@{domain}") != domain:
                raise ConfigError(f"{domain!r} is not a domain in lower case", "correct it", key=name)
        classes.append((name, tuple(listed)))
    return Providers(tuple(classes))
