"""Whatever a log, a witness, an authority, a journal or a file gives us, we read it or raise our own error."""

import json
from contextlib import suppress
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from hypothesis import given
from hypothesis import strategies as st

from postwarden.errors import LedgerError, NotifyError
from postwarden.ledger.epochs import parse_certificate
from postwarden.ledger.note import encode_base64
from postwarden.witness.decision import Known, Refusal, weigh_certificate, weigh_checkpoint
from postwarden.witness.memory import _from_entry, in_file
from postwarden.witness.submission import Submission, encode_submission, parse_submission
from postwarden.witness.timestamp import check_stamp
from tests.unit.witness.conftest import Log
from tests.unit.witness.test_timestamp import answering, make_authority, openssl

LOG = Log().grow(5)
NOTE = LOG.newest().note
CERTIFICATE = LOG.certificate(1, Ed25519PrivateKey.from_private_bytes(bytes(32)))
hashes = st.lists(st.binary(min_size=32, max_size=32), max_size=63)


@st.composite
def mutations(draw: st.DrawFn, original: bytes) -> bytes:
    start = draw(st.integers(0, len(original)))
    end = draw(st.integers(start, len(original)))
    return original[:start] + draw(st.binary(max_size=8)) + original[end:]


@given(st.integers(0, 10**17), hashes, st.binary())
def test_a_submission_is_read_as_it_is_written(old: int, proof: list[bytes], note: bytes) -> None:
    """What is sent is what arrives, whatever the note is."""
    assert parse_submission(encode_submission(old, proof, note)) == Submission(old, tuple(proof), note)


@given(st.binary() | mutations(encode_submission(3, [bytes(32)], NOTE)))
def test_any_bytes_as_a_submission(content: bytes) -> None:
    """Any bytes are a submission in its one spelling, or refused."""
    with suppress(LedgerError):
        read = parse_submission(content)
        assert encode_submission(read.old, read.proof, read.note) == content


@given(st.binary() | mutations(NOTE) | mutations(CERTIFICATE), st.integers(0, 9), hashes)
def test_nothing_but_the_log_itself_is_taken(note: bytes, old: int, proof: list[bytes]) -> None:
    """Of whatever is submitted only what the log's key signed changes what is known."""
    known = Known(LOG.key)
    for weigh in (weigh_checkpoint, weigh_certificate):
        with suppress(LedgerError):
            outcome = weigh(known, Submission(old, tuple(proof), note))
            if not isinstance(outcome, Refusal):
                assert outcome.position in {known.position, LOG.position}


@given(st.binary() | mutations(CERTIFICATE))
def test_any_bytes_as_a_certificate(content: bytes) -> None:
    """Any bytes are a certificate, or refused."""
    with suppress(LedgerError):
        parse_certificate(content)


@given(
    st.binary()
    | st.dictionaries(
        st.sampled_from(["POSTWARDEN_SIZE", "POSTWARDEN_ROOT"]), st.text() | st.integers() | st.none()
    ).map(lambda fields: json.dumps(fields).encode())
)
def test_any_entry_of_the_journal(line: bytes) -> None:
    """Any line of journalctl's is a position, or refused."""
    with suppress(LedgerError):
        position = _from_entry(line)
        assert json.loads(line)["POSTWARDEN_ROOT"] == encode_base64(position.root)


@given(st.binary() | mutations(NOTE))
def test_any_file_as_a_memory(content: bytes) -> None:
    """Whatever is in the file, it is a position or is said to be unread."""
    with TemporaryDirectory() as folder:
        path = Path(folder) / "checkpoint"
        path.write_bytes(content)
        found = in_file(path, LOG.origin)
        assert (found.position is None) != (found.unread is None)


@pytest.fixture(scope="module")
def authority(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An authority's folder with an answer over the checkpoint's text."""
    folder = tmp_path_factory.mktemp("authority") / "tsa"
    make_authority(folder)
    (folder / "text").write_bytes(LOG.newest().text)
    openssl(folder, "ts", "-query", "-data", "text", "-sha256", "-cert", "-out", "query")
    answering(folder)((folder / "query").read_bytes())
    return folder


@given(st.data())
def test_any_bytes_as_a_time_stamp(authority: Path, data: st.DataObject) -> None:
    """Of any bytes, and of an answer that was changed, no time comes but the one that was signed."""
    genuine, roots = (authority / "reply").read_bytes(), authority / "ca.pem"
    signed = check_stamp(genuine, LOG.newest().text, roots).time
    assert signed is not None
    with suppress(NotifyError):
        assert check_stamp(data.draw(st.binary() | mutations(genuine)), LOG.newest().text, roots).time in {
            None,
            signed,
        }
