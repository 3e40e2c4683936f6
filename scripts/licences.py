"""Writes which licences the run-time dependencies have, and what is known of their weaknesses.

``make release`` calls it: ``python scripts/licences.py requirements/run.txt dist/licences.txt``.
It ends with 1 where a licence is not one of ``ALLOWED``: somebody has to read it first.
"""

from __future__ import annotations

import re
import sys
from collections.abc import Iterator
from importlib.metadata import Distribution, PackageNotFoundError, distribution
from pathlib import Path
from typing import NamedTuple

from packaging.requirements import InvalidRequirement, Requirement

ALLOWED = frozenset({
    "0BSD", "Apache-2.0", "BSD-2-Clause", "BSD-3-Clause", "ISC", "MIT", "MIT-0", "PSF-2.0",
    "Python-2.0", "Unlicense", "Zlib",
})  # fmt: skip
COPYLEFT = {
    # Weak copyleft, used as they are and unchanged: they ask nothing of who imports them.
    "certifi": "MPL-2.0",
    "pathspec": "MPL-2.0",
    "psycopg": "LGPL-3.0-only",
    "psycopg-binary": "LGPL-3.0-only",
    "psycopg-pool": "LGPL-3.0-only",
}
"""Known by name: another package, or another licence of these, is looked at first."""
# How licences were written before there were expressions.
_SPOKEN = {
    "mit": "MIT",
    "mit license": "MIT",
    "apache 2.0": "Apache-2.0",
    "apache license 2.0": "Apache-2.0",
    "apache license, version 2.0": "Apache-2.0",
    "apache software license": "Apache-2.0",
    "bsd": "BSD-3-Clause",
    "bsd license": "BSD-3-Clause",
    "bsd-3-clause license": "BSD-3-Clause",
    "bsd 3-clause license": "BSD-3-Clause",
    "isc license (iscl)": "ISC",
    "psfl": "PSF-2.0",
    "python software foundation license": "PSF-2.0",
    "mozilla public license 2.0 (mpl 2.0)": "MPL-2.0",
    "gnu lesser general public license v3 (lgplv3)": "LGPL-3.0-only",
}
_WORD = re.compile(r"[A-Za-z0-9.+-]+")
_JOINING = frozenset({"AND", "OR", "WITH"})


class Part(NamedTuple):
    """One dependency. ``licence`` is an SPDX expression, or what its authors wrote."""

    name: str
    version: str
    licence: str

    @property
    def is_allowed(self) -> bool:
        """Whether nobody needs to look at it: all that is joined by AND, one of what is by OR."""
        if COPYLEFT.get(self.name) == self.licence:
            return True
        choices = ({*_WORD.findall(one)} - _JOINING for one in self.licence.split(" OR "))
        return any(bool(names) and names <= ALLOWED for names in choices)


def main(lock: Path, report: Path) -> int:
    """Write the report; the exit code."""
    parts = list(parts_of(lock))
    unknown = [part for part in parts if not part.is_allowed]
    report.write_text(text_of(parts), encoding="utf-8")
    for part in unknown:
        print(f"NOT ALLOWED: {part.name} {part.version}: {part.licence}", file=sys.stderr)
    print(f"{report}: {len(parts)} licences; known weaknesses: `make audit`")
    return bool(unknown)


def text_of(parts: list[Part]) -> str:
    """The report, for people."""
    width = max(len(f"{part.name} {part.version}") for part in parts)
    rows = [f"{f'{part.name} {part.version}':{width}}  {part.licence}" for part in parts]
    return "\n".join(("Licences of what chatstream needs at run time", "", *rows, ""))


def parts_of(lock: Path) -> Iterator[Part]:
    """What a lock names for this machine, by name; what is not installed here is told so."""
    for line in lock.read_text(encoding="utf-8").splitlines():
        try:
            wanted = Requirement(line.rstrip("\\ "))
        except InvalidRequirement:
            continue  # a hash, a comment
        if wanted.marker is None or wanted.marker.evaluate():
            yield _part(wanted)


def _part(wanted: Requirement) -> Part:
    try:
        installed = distribution(wanted.name)
    except PackageNotFoundError:
        return Part(wanted.name, str(wanted.specifier).removeprefix("=="), "not installed here")
    return Part(wanted.name, installed.version, licence_of(installed))


def licence_of(installed: Distribution) -> str:
    """The expression of its metadata; else what its field or its classifiers say."""
    told = installed.metadata
    if "License-Expression" in told:
        return str(told["License-Expression"])
    spoken = [str(told.get("License", ""))] + [
        one.rpartition(" :: ")[2]
        for one in told.get_all("Classifier", [])
        if one.startswith("License ::")
    ]
    first_lines = [one.strip().splitlines()[0].strip() for one in spoken if one.strip()]
    known = [_SPOKEN.get(one.lower(), one) for one in first_lines]
    expressions = [one for one in known if one in ALLOWED or one in COPYLEFT.values()]
    return (expressions or [one[:80] for one in known] or ["unknown"])[0]


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1]), Path(sys.argv[2])))
