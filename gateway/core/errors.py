"""The error tree: what went wrong, in codes; never a person's value.

GatewayError            a stable code and the HTTP status it becomes
├── ConfigError         start refused: every problem at once, each with file, line and hint
├── RequestRejected     the client's doing; nothing was contacted
├── LoginFailed         the OIDC exchange did not hold; the person may start again
├── ValueRefused        a value that a header or an assertion cannot carry; nothing was forwarded
└── DependencyFailed    franceconnect, api-particulier, upstream or session-store did not do its part
"""

from collections.abc import Sequence
from dataclasses import dataclass


class GatewayError(Exception):
    """Base of all: `code` is stable and greppable, `status` is the HTTP answer."""

    status = 500

    def __init__(self, code: str) -> None:
        super().__init__(code)
        self.code = code


@dataclass(frozen=True, slots=True, order=True)
class Problem:
    """One thing an operator must repair. Line 0 means that the whole file is meant."""

    file: str
    line: int
    message: str
    hint: str = ""

    def __str__(self) -> str:
        text = f"{self.file}:{self.line}: {self.message}"
        return f"{text}\n  hint: {self.hint}" if self.hint else text


class ConfigError(GatewayError):
    """The configuration cannot be served; carries every problem found, each once."""

    def __init__(self, problems: Sequence[Problem]) -> None:
        super().__init__("config_invalid")
        self.problems = tuple(sorted(set(problems)))

    def __str__(self) -> str:
        return "\n".join(str(problem) for problem in self.problems)


class RequestRejected(GatewayError):
    """A request that has no single safe reading, or that no route takes.

    `neighbour`: the address of the proxy that asked, where the operator must know it; for the log only.
    """

    def __init__(self, code: str, status: int = 400, *, allow: Sequence[str] = (), neighbour: str = "") -> None:
        super().__init__(code)
        self.status = status
        self.allow = tuple(allow)
        self.neighbour = neighbour


class LoginFailed(GatewayError):
    """The exchange with the identity provider did not hold.

    `reference` is what the provider's support asks for (a Y-code and an id), for the log only.
    """

    status = 400

    def __init__(self, code: str, *, reference: str = "") -> None:
        super().__init__(code)
        self.reference = reference


class ValueRefused(GatewayError):
    """A header or claim value that the chosen encoding or the size limits cannot carry."""

    status = 502


class DependencyFailed(GatewayError):
    """Something outside this process did not answer, or not in the agreed form."""

    def __init__(self, dependency: str, code: str, status: int = 502, *, reference: str = "") -> None:
        super().__init__(code)
        self.dependency = dependency
        self.status = status
        self.reference = reference
