"""FranceConnect, simulated: as strict as the server it stands for."""

from gateway.sandbox.franceconnect.rules import SandboxClient
from gateway.sandbox.franceconnect.server import SandboxFranceConnect
from gateway.sandbox.franceconnect.tokens import Faults

__all__ = ["Faults", "SandboxClient", "SandboxFranceConnect"]
