"""Letters that mislead."""
# ruff: noqa: RUF001 - misleading letters are what this is about

import pytest

from postwarden.mailflow.tricks import unicode_tricks


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        ("Ti\u200bdy", "characters without width"),
        ("Ti\u2060\ufeffdy", "characters without width"),
        ("Ti\u200ddy", "characters without width"),
        ("report \u202egpj.exe", "characters that turn the direction of writing"),
        ("\u2067Tidy\u2069", "characters that turn the direction of writing"),
        ("Tidy\u200f", "characters that turn the direction of writing"),
        ("P\u0430yroll", "letters of two alphabets in one word"),
        ("inv\u03bfice", "letters of two alphabets in one word"),
        (
            "\U0001d5e7\U0001d5f6\U0001d5f1\U0001d606",
            "letters in the guise of mathematics or of enclosed signs",
        ),
        ("ⓣⓘⓓⓨ", "letters in the guise of mathematics or of enclosed signs"),
        ("in\0voice", "a NUL character"),
    ],
)
def test_what_misleads(text: str, wanted: str) -> None:
    """Each way to write a word so that it reads as another, or is not found, is told."""
    assert unicode_tricks(text) == (wanted,)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "Tidy",
        "Ärger & Söhne – ‘quoted’ naïve",
        "請求書 2026",
        "展示会 Tokyo ① Ｔｅａｍ",
        "计算机 and 發票",
        "세금계산서 invoice",
        "Счета на оплату",
        "Счета / invoices",
        "Τιμολόγια",
        "ΔT, µm, kΩ, λ/2, β-Test, βeta",
        "עברית 2026",
        "\u200fفواتير 2026\u200e (PDF)",
        "می\u200cخواهم",
        "क्\u200dष हिन्दी",
        "👩\u200d💻 ❤\ufe0f 🅰\ufe0f🅱\ufe0f 🇯🇵",
        "🏴\U000e0067\U000e0062\U000e0065\U000e006e\U000e0067\U000e007f",
        "\u200bTidy\u200b",
        "ℝ and 𝔸",
    ],
)
def test_what_does_not(text: str) -> None:
    """One script, several scripts side by side, emoji, mathematics, and what was pasted at an end are ordinary."""
    assert unicode_tricks(text) == ()
