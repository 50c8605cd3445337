"""Keywords that conditions select."""

from typing import Any

import pytest

from postwarden.errors import ConfigError
from postwarden.formats.google_json.gmail_query import condition_of
from postwarden.mailflow.conditions import all_of, any_of, negate
from postwarden.mailflow.keywords import Keywords, folded, keywords_from, selected
from postwarden.model.mailflow import Condition, Operator, Test

WORDS = keywords_from(
    {
        "finance": {"english": ["invoice", "wire transfer", "IBAN"], "japanese": ["請求", "お支払い"]},
        "security": {
            "english": ["password", "2fa", "sign-in", "mot d'accès"],
            "korean": ["비밀번호", "2단계 인증"],
        },
    }
)


def comparison(value: str, field: str = "subject", operator: Operator = "contains") -> Test:
    """A comparison of one value."""
    return Test(field=field, operator=operator, values=(value,))


def words(condition: Condition) -> tuple[str, ...]:
    return selected(condition, WORDS).words


@pytest.mark.parametrize(
    ("value", "operator", "expected"),
    [
        ("invoice", "contains", ("invoice",)),
        ("Your INVOICE No.", "is", ("invoice",)),
        ("\uff49\uff4e\uff56\uff4f\uff49\uff43\uff45", "contains", ("invoice",)),
        ("wire  transfer", "contains", ("wire transfer",)),
        ("iban: password", "contains", ("iban", "password")),
        ("invoice_2024", "contains", ("invoice",)),
        ("請求invoice書", "contains", ("invoice", "請求")),
        ("ご請求書の件", "contains", ("請求",)),
        ("비밀번호를 재설정", "contains", ("비밀번호",)),
        ("2단계 인증을", "contains", ("2단계 인증",)),
        ("code 2FA", "contains", ("2fa",)),
        ("mot d\u2019accès", "contains", ("mot d'accès",)),
        ("*invoice*", "matches", ("invoice",)),
        ("*wire?transfer*", "matches", ("wire transfer",)),
        (r"\b(invoice|wire\s+transfer)s?\b", "regex", ("invoice", "wire transfer")),
        ("^[Ii]nvoice$", "regex", ("invoice",)),
        ("sign-in", "regex", ("sign-in",)),
        ("invoicing", "contains", ()),
        ("reinvoice", "contains", ()),
        ("passwords", "contains", ()),
        ("wire a transfer", "contains", ()),
        ("wire transferral", "contains", ()),
        ("12fa", "contains", ()),
        ("invoice", "exists", ()),
        ("invoice", "other", ()),
    ],
)
def test_words(value: str, operator: Operator, expected: tuple[str, ...]) -> None:
    """Whole words are found in any case, width and pattern, and anywhere in texts without spaces."""
    assert words(comparison(value, operator=operator)) == expected


@pytest.mark.parametrize(
    "field", ["subject", "body", "header:x-topic", "header:comments", "header:thread-topic"]
)
def test_fields_with_text(field: str) -> None:
    """Words count in the fields that a message's author writes."""
    assert words(comparison("invoice", field)) == ("invoice",)


@pytest.mark.parametrize(
    "field",
    [
        *("from", "to", "cc", "sender", "envelope_from", "envelope_to", "size", "other", "header:bcc"),
        *("header:reply-to", "header:x-spam-flag", "header:x-spam", "header:list-id", "header:list-post"),
        *("header:x-rspamd-action", "header:x-microsoft-antispam", "header:received", "header:resent-from"),
    ],
)
def test_fields_without_text(field: str) -> None:
    """Words do not count in addresses, lists, and the marks of filters."""
    assert words(comparison("invoice", field)) == ()


def test_polarity() -> None:
    """A word counts where it must be there, not where it must be absent."""
    invoice, password = comparison("invoice"), comparison("password")
    assert words(all_of((invoice, negate(password)))) == ("invoice",)
    assert words(negate(any_of((invoice, negate(password))))) == ("password",)


def test_classes() -> None:
    """The classes are those of the words that were found."""
    found = selected(any_of((comparison("invoice and iban"), comparison("password"))), WORDS)
    assert found.classes == ("finance", "security")
    assert selected(comparison("hello"), WORDS).classes == ()
    assert selected(comparison("invoice"), Keywords()).words == ()


@pytest.mark.parametrize(
    ("mapping", "key"),
    [
        ({"finance": ["invoice"]}, "finance"),
        ({"finance": {"english": "invoice"}}, "finance.english"),
        ({"finance": {"english": [1]}}, "finance.english"),
        ({"finance": {"english": [" "]}}, "finance"),
        ({"finance": {"english": ["*invoice"]}}, "finance"),
    ],
)
def test_a_list_of_another_shape_is_refused(mapping: dict[str, Any], key: str) -> None:
    """A word list that cannot be meant names the table that is wrong."""
    with pytest.raises(ConfigError) as caught:
        keywords_from(mapping)
    assert caught.value.key == key


def test_the_shipped_list(shipped: Keywords) -> None:
    """The shipped list has both classes in ten languages, and what intruders are known to look for."""
    classes = dict(shipped.classes)
    assert set(classes) == {"finance", "security"}
    for word in [
        "invoice",
        "Rechnung",
        "facture",
        "pago",
        "fatura",
        "bonifico",
        "factuur",
        "請求",
        "振込",
        "发票",
        "송금",
        "payment",
        "IBAN",
        "remittance",
    ]:
        assert folded(word) in classes["finance"], word
    for word in [
        "password",
        "Passwort",
        "contraseña",
        "senha",
        "wachtwoord",
        "不正ログイン",
        "パスワード",
        "验证码",
        "비밀번호",
        "phishing",
    ]:
        assert folded(word) in classes["security"], word
    assert min(map(len, classes.values())) > 250


@pytest.mark.parametrize(
    "subject",
    [
        "Hackernews daily",
        "Hacker News",
        "Boarding pass",
        "Weekly newsletter",
        "closing date",
        "doc",
        "alert",
        "[SPAM]",
        "test report",
        "資料",
        "해커톤 안내",
        "회사기밀",
        "黑客松",
        "sale ends today",
        "order confirmation",
        "meeting in the bank",
        "Sprint review",
        "passage",
    ],
)
def test_everyday_subjects_are_no_keywords(shipped: Keywords, subject: str) -> None:
    """Subjects that everybody files by select no keyword."""
    assert selected(comparison(subject), shipped).words == ()


@pytest.mark.parametrize(
    ("language", "finance", "security", "innocent"),
    [
        ("english", "Re: invoice 4711", "password reset", "invoiceless passwordless living"),
        ("german", "Ihre Rechnung 4711", "Neue Anmeldung erkannt", "Berechnungen zur Anmeldungsfrist"),
        ("french", "votre facture no 3", "mot de passe oublié", "manufactures et passage piéton"),
        ("spanish", "FACTURA pendiente", "inicio de sesión sospechoso", "manufacturas y apagones"),
        ("portuguese", "segue o boleto", "redefinição de senha", "desenho da senhora"),
        ("italian", "conferma bonifico", "tentativo di accesso fallito", "bonifica dei terreni, accessori"),
        ("dutch", "uw factuur", "nieuw wachtwoord", "manufactuur en wachtkamer"),
        ("japanese", "【重要】ご請求書の件", "不正ログインの検知について", "展示会のご案内と資料"),
        ("chinese", "请查收发票 3月", "检测到异常登录", "公司年会安排"),
        ("korean", "세금계산서를 보냅니다", "비밀번호가 변경되었습니다", "회사 소식과 행사 안내"),
    ],
)
def test_each_language(shipped: Keywords, language: str, finance: str, security: str, innocent: str) -> None:
    """In each language both classes are found within a subject, and longer words that hold such a word are not."""
    assert selected(comparison(finance), shipped).classes == ("finance",)
    assert selected(comparison(security), shipped).classes == ("security",)
    assert selected(comparison(innocent), shipped).words == ()


def test_a_search_that_is_not_understood_still_has_its_words() -> None:
    """What Gmail looks for counts as words, also where more of the search is not read; other texts do not."""
    unread = condition_of("(invoice OR")
    assert isinstance(unread, Test)
    assert unread.field == "other"
    assert words(unread) == ("invoice",)
    assert words(negate(unread)) == ()
    assert words(Test(field="other", operator="other", values=("HasClassification invoice",))) == ()


def test_greek_capitals_are_the_letters_that_they_are() -> None:
    """A letter with two accents, which has no capital of its own, is the same in capitals and composed."""
    assert folded("\u03aa\u0301") == folded("\u0399\u0308\u0301") == folded("\u0390")
