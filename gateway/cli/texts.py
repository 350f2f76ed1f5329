"""`gateway texts`: every sentence of our pages, as the catalogue that an authority may fill in."""

import argparse
import sys
from typing import Any

import polib

from gateway.config.texts import LANGUAGES, english


def register(subcommands: Any) -> None:
    command: argparse.ArgumentParser = subcommands.add_parser(
        "texts", help="write the sentences of the pages, to be put into words of your own"
    )
    command.add_argument("--language", choices=LANGUAGES, default="fr")
    command.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> int:
    """A `.po` for `texts/fr.po` or `texts/en.po` beside gateway.yaml. What stays empty stays as it is."""
    catalogue = polib.POFile(wrapwidth=110)
    catalogue.metadata = {"Content-Type": "text/plain; charset=UTF-8", "Language": arguments.language}
    for french, shipped in english().items():
        comment = "" if arguments.language == "fr" else shipped
        catalogue.append(polib.POEntry(msgid=french, msgstr="", comment=comment))
    sys.stdout.write(str(catalogue))
    return 0
