"""The detector itself, as it comes."""

from hashlib import sha256
from importlib import import_module

import msgspec

from tests.quality.access.judge import Judge

#: What the detector is called in the figures.
NAME = "postwarden"


def make(threshold: int | None = None) -> Judge:
    """The detector with its settings as they come, or with another threshold, in decibans."""
    scorer, settings = import_module("postwarden.detect.access.scorer").Scorer, _settings()
    judge: Judge = scorer(settings() if threshold is None else settings(threshold=threshold))
    return judge


def default_threshold() -> int:
    """The threshold that the detector comes with."""
    threshold: int = _settings()().threshold
    return threshold


def digest() -> str:
    """Twelve digits that change when any setting does."""
    return sha256(msgspec.json.encode(_settings()())).hexdigest()[:12]


def _settings() -> type:
    settings: type = import_module("postwarden.detect.access.settings").Settings
    return settings
