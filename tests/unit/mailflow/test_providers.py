"""Providers where anybody gets an address."""

import tomllib
from pathlib import Path
from typing import Any

import pytest

from postwarden.errors import ConfigError
from postwarden.mailflow.providers import Providers, providers_from

SHIPPED = tomllib.loads((Path(__file__).parents[3] / "rules" / "freemail.toml").read_text(encoding="utf-8"))


def test_domains_and_those_below_them() -> None:
    """A domain's class holds for what is below it, label by label, and for nothing else."""
    table = Providers((("freemail", ("free.example",)), ("throwaway", ("bin.example",))))
    assert table.class_of("free.example") == table.class_of("de.free.example") == "freemail"
    assert table.class_of("x.bin.example") == "throwaway"
    assert table.class_of("notfree.example") is table.class_of(None) is None


def test_the_shipped_table() -> None:
    """The table that ships is sorted, has no domain twice, and knows large providers of many countries."""
    table = providers_from(SHIPPED)
    assert [name for name, _ in table.classes] == ["freemail", "throwaway"]
    every = [domain for _, domains in table.classes for domain in domains]
    assert len(set(every)) == len(every)
    assert all(list(domains) == sorted(domains) for _, domains in table.classes)
    for domain in (
        "gmail.com",
        "web.de",
        "orange.fr",
        "libero.it",
        "yahoo.co.jp",
        "naver.com",
        "qq.com",
        "uol.com.br",
    ):
        assert table.class_of(domain) == "freemail"
    assert table.class_of("mailinator.com") == "throwaway"


@pytest.mark.parametrize(
    "mapping",
    [{"freemail": "a.example"}, {"freemail": [1]}, {"freemail": ["A.example"]}, {"freemail": ["no domain"]}],
)
def test_a_table_of_another_shape_is_refused(mapping: dict[str, Any]) -> None:
    """A table that cannot be meant names the class that is wrong."""
    with pytest.raises(ConfigError) as caught:
        providers_from(mapping)
    assert caught.value.key == "freemail"
