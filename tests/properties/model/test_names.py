"""Addresses, ids and accounts under any text."""

from collections.abc import Callable

from hypothesis import example, given
from hypothesis import strategies as st

from postwarden.errors import ConfigError
from postwarden.model.account import Account, find
from postwarden.model.address import Domains, classify, domain_of, in_domains
from postwarden.model.finding_id import LENGTH, finding_id
from postwarden.model.scope import Scope
from tests.properties.model.values import texts, values

DOMAINS = Domains(internal=("example.org",), partners=("partner.example",))

labels = st.text("abcdef-0", min_size=1, max_size=6)
subjects = st.lists(st.text(st.sampled_from("ab\n\\"), max_size=4), min_size=1, max_size=3).map(tuple)
#: Ways in which an encoding of words that is not careful would take one subject for another.
confusions: list[Callable[[tuple[str, ...]], tuple[str, ...]]] = [
    lambda words: tuple("\n".join(words).split("\n")),
    lambda words: ("\n".join(words),),
    lambda words: ("\\n".join(words),),
    lambda words: tuple("\n".join(words).replace("\n", "\\n").split("\n")),
    lambda words: tuple(word.replace("\n", "\\n") for word in words),
    lambda words: tuple(word.replace("\\n", "\n") for word in words),
    lambda words: tuple(word.replace("\\", "\\\\") for word in words),
]


@given(texts | texts.map(lambda text: f"x@{text}"))
@example("x@evil\uff20a.example.org")
@example("x@a\uff08b")
def test_a_domain_of_any_text_is_plain_ascii(text: str) -> None:
    """Whatever stands in a target, its domain is lower-case ASCII without what ends an address, or None."""
    domain = domain_of(text)
    if domain is not None:
        assert domain
        assert domain.isascii()
        assert domain == domain.lower()
        assert not any(char.isspace() or char in "<>(),@" for char in domain)


@given(st.lists(labels, min_size=1, max_size=3).map(".".join), labels)
def test_only_whole_labels_make_a_sub_domain(below: str, label: str) -> None:
    """What stands before one of our domains makes it ours only behind a dot."""
    assert classify(f"x@{below}.example.org", DOMAINS, ()) == "internal"
    assert classify(f"x@{label}example.org", DOMAINS, ()) == "external"
    assert not in_domains(f"example.org.{label}", DOMAINS.internal)


@given(subjects, subjects)
def test_two_subjects_never_share_an_id(one: tuple[str, ...], another: tuple[str, ...]) -> None:
    """Different words give different ids, whatever line feeds and backslashes are in them."""
    scope = Scope(kind="account", key="login:alice")
    number = finding_id("rule", scope, one)
    assert len(number) == LENGTH
    for other in (another, *(confused(one) for confused in confusions)):
        assert (number == finding_id("rule", scope, other)) is (one == other)


@given(st.lists(values(Account), max_size=4), st.data())
def test_an_account_is_found_or_its_name_is_ambiguous(accounts: list[Account], data: st.DataObject) -> None:
    """The key of a listed account finds that account, unless another one has the same name."""
    if not accounts:
        assert find((), "x") is None
        return
    wanted = data.draw(st.sampled_from(accounts))
    name = wanted.key.strip().casefold()
    try:
        found = find(tuple(accounts), wanted.key)
    except ConfigError:
        named = [one for one in accounts if name in {text.casefold() for text in _names(one)}]
        assert len(named) > 1
    else:
        assert found == wanted or wanted.key != wanted.key.strip()


def _names(account: Account) -> list[str]:
    return [account.key, account.login, *account.addresses, *account.names.values()]
