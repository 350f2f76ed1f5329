"""`make screenshots`: a picture of every page, light and dark, narrow and wide, French and English."""

import argparse
import tempfile
from pathlib import Path

from tests.e2e.chromium import started
from tests.e2e.pages import PAGES, sites
from tests.world import World

SIZES = {"phone": {"width": 360, "height": 780}, "desktop": {"width": 1280, "height": 900}}
LOOKS = (("phone", "light", "fr"), ("phone", "dark", "fr"), ("desktop", "light", "fr"), ("desktop", "dark", "en"))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--folder", type=Path, default=Path("var/screenshots"))
    parser.add_argument("--only", default="", help="pages whose name holds this")
    parser.add_argument("--look", default="", help="such as phone-light-fr")
    chosen = parser.parse_args()
    chosen.folder.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as folder, sites(Path(folder)) as worlds:
        take(worlds, chosen)


def take(worlds: dict[bool, World], chosen: argparse.Namespace) -> None:
    with started() as browser:
        for place in PAGES:
            for size, scheme, language in LOOKS:
                look = f"{size}-{scheme}-{language}"
                if chosen.only not in place.name or chosen.look not in look:
                    continue
                context = browser.new_context(viewport=SIZES[size], color_scheme=scheme, locale=language)  # type: ignore[arg-type]
                page = context.new_page()
                place.way(worlds[place.office], page)
                page.screenshot(path=chosen.folder / f"{place.name}-{look}.png", full_page=True)
                context.close()
    print(f"{len(list(chosen.folder.glob('*.png')))} pictures in {chosen.folder}")


if __name__ == "__main__":
    main()
