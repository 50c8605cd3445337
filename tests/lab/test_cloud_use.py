"""The lab's cloud in use: the connectors against it, with every exchange checked, and as a process of its own."""

import json
import subprocess
import sys
from pathlib import Path

import pytest
import requests

from postwarden.lab import start_cloud as start_lazily
from tests.lab import google, graph, keycloak
from tests.lab.cloud import StartCloud, assert_valid


def test_what_the_connectors_ask_and_get_fits_the_schemas(start_cloud: StartCloud, tmp_path: Path) -> None:
    """Whole readings of all three providers are made of requests and answers that their schemas allow."""
    lab = start_cloud()

    def folder(name: str) -> Path:
        made = tmp_path / name
        made.mkdir()
        return made

    tenant = graph.source(lab, folder("graph"), exchange_cmdlets=True)
    assert graph.read_all(tenant).evidence
    assert graph.read(tenant, "oliver.brandt").evidence
    domain = google.source(lab, folder("google"))
    assert graph.read_all(domain).evidence
    assert google.read(domain, "lena.fischer").evidence
    realm = keycloak.source(lab, folder("keycloak"))
    assert graph.read_all(realm).evidence
    assert keycloak.read(realm, "kwame.mensah").evidence
    assert_valid(lab)


def test_the_package_starts_it_lazily(tmp_path: Path) -> None:
    """`postwarden.lab.start_cloud` gives the same, and stopping twice is harmless."""
    with start_lazily(tmp_path) as lab:
        assert lab.organisation.name == "Kitano Works"
    lab.stop()
    with pytest.raises(requests.ConnectionError):
        requests.get(lab.microsoft.graph_url, verify=str(lab.ca_file), timeout=5)


def test_as_a_process_it_says_when_it_is_ready_and_what_it_served(tmp_path: Path) -> None:
    """One line with addresses and log-ins, and at the end one with the requests by kind."""
    command = [sys.executable, "-m", "postwarden.lab.cloud", "--folder", str(tmp_path)]
    with subprocess.Popen(
        [*command, "--users", "300", "--grants", "3000"],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    ) as process:
        assert process.stdin is not None
        assert process.stdout is not None
        ready = json.loads(process.stdout.readline())
        microsoft = ready["microsoft"]
        assert (microsoft["users"], microsoft["grants"]) == (300, 3000)
        form = {
            "grant_type": "client_credentials",
            "client_id": microsoft["client_id"],
            "client_secret": microsoft["client_secret"],
            "scope": "https://graph.microsoft.com/.default",
        }
        answer = requests.post(microsoft["token_url"], data=form, verify=ready["ca_file"], timeout=20)
        assert answer.status_code == 200
        process.stdin.close()
        served = json.loads(process.stdout.readline())
        assert process.wait(20) == 0
    assert served["requests"] == {"login.token": 1}
    assert served["problems"] == 0
