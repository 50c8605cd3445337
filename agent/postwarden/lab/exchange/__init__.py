"""An Exchange of our own for demo, tests and benchmarks: EWS over HTTPS, answered from a state."""

from postwarden.lab.exchange.faults import FAULTS
from postwarden.lab.exchange.journal import Logon, RequestRecord
from postwarden.lab.exchange.server import ExchangeLab, ServiceLogin, start

__all__ = ["FAULTS", "ExchangeLab", "Logon", "RequestRecord", "ServiceLogin", "start"]
