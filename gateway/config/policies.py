"""policies/ beside gateway.yaml: which files are policies, and all that is read of them, each file once."""

import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from gateway.config.policy_file import read_policy
from gateway.config.yaml_source import Source
from gateway.core.errors import Problem
from gateway.core.model import Source as Asked
from gateway.core.rules import Mode, Policy

FOLDER = "policies"
_SUFFIX = ".yaml"


@dataclass(slots=True)
class PolicyFiles:
    """The policies that are right, and the file of every one."""

    policies: dict[str, Policy] = field(default_factory=dict)
    sources: dict[str, Source] = field(default_factory=dict)
    """By name, in the order of names; the wrong ones too."""
    misnamed: dict[str, str] = field(default_factory=dict)
    """Name → file, of those that end in `.yml`."""
    folder_problems: list[Problem] = field(default_factory=list)

    @property
    def problems(self) -> list[Problem]:
        return [*self.folder_problems, *(each for source in self.sources.values() for each in source.problems)]

    @property
    def content(self) -> list[tuple[str, bytes]]:
        return [(f"{name}{_SUFFIX}", source.raw) for name, source in self.sources.items()]

    def hint_for(self, name: str) -> str:
        """Where a policy that is not there should be."""
        wanted = f"{FOLDER}/{name}{_SUFFIX}"
        if name in self.misnamed:
            return f"a name must end in `{_SUFFIX}`: rename {FOLDER}/{self.misnamed[name]} to {wanted}"
        return f"write {wanted}"


def read_policies(beside: Path, modes: Mapping[Asked, Mode]) -> PolicyFiles:
    """Every policy; what is wrong is in the `problems`. A hidden file is an editor's own, and none."""
    found = PolicyFiles()
    folder = beside / FOLDER
    for path in sorted(folder / name for name in _names(folder, found)):
        if path.suffix == _SUFFIX:
            source, policy = read_policy(path, str(path), modes=modes)
            found.sources[path.stem] = source
            if policy is not None:
                found.policies[path.stem] = policy
        elif path.suffix == ".yml":
            found.misnamed[path.stem] = path.name
    return found


def _names(folder: Path, found: PolicyFiles) -> list[str]:
    try:
        return [name for name in os.listdir(folder) if not name.startswith(".")]  # noqa: PTH208 - names, not paths
    except FileNotFoundError:
        return []
    except OSError as error:
        hint = "a folder that the gateway's user may read and enter"
        found.folder_problems.append(Problem(str(folder), 0, f"cannot be read: {error.strerror}", hint))
        return []
