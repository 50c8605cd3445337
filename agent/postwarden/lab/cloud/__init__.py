"""Cloud providers of our own for demo, tests and benchmarks: Microsoft's, Google's and a Keycloak, from one state."""

from postwarden.lab.cloud.google import GoogleCloud
from postwarden.lab.cloud.journal import RequestRecord
from postwarden.lab.cloud.keycloak import KeycloakCloud
from postwarden.lab.cloud.microsoft import MicrosoftCloud
from postwarden.lab.cloud.server import CloudLab, start

__all__ = ["CloudLab", "GoogleCloud", "KeycloakCloud", "MicrosoftCloud", "RequestRecord", "start"]
