"""Takes the gallery's pictures: `python docs/gallery/take_pictures.py`, with Chromium on the path.

Each profile is run on the offline model, and the first screen of its report is photographed.
"""

import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

from PIL import Image

HERE = Path(__file__).parent
WIDTH, HEIGHT = 1000, 720
MOST_BYTES = 120_000


def main(names: list[str]) -> int:
    """Take the pictures of the profiles named, or of all."""
    browser = next((found for name in ("chromium", "chromium-browser") if (found := shutil.which(name))), None)
    if browser is None:
        print("chromium is not on the path: install it, and call this again")
        return 2
    for profile in sorted(HERE.glob("*.yaml")):
        if not names or profile.stem in names:
            take_picture(profile, browser)
    return 0


def take_picture(profile: Path, browser: str) -> None:
    """Run a profile and photograph its report."""
    picture = HERE / f"{profile.stem}.png"
    with tempfile.TemporaryDirectory() as place:
        run = Path(place) / profile.stem
        subprocess.run([sys.executable, "-m", "tradelogs", "generate", profile, "--report", "--out", run], check=True)  # noqa: S603 - ours
        size = f"--window-size={WIDTH},{HEIGHT}"
        options = ["--headless", "--no-sandbox", "--disable-gpu", "--hide-scrollbars", size]
        shot = f"--screenshot={picture}"
        subprocess.run([browser, *options, shot, (run / "report.html").as_uri()], check=True, capture_output=True)  # noqa: S603 - found on the path
    shrink(picture)
    print(f"{picture}: {picture.stat().st_size:,} bytes")


def shrink(picture: Path) -> None:
    """Keep 64 colours of a picture that is mostly text and lines."""
    with Image.open(picture) as shot:
        shot.convert("P", palette=Image.Palette.ADAPTIVE, colors=64).save(picture, optimize=True)
    if picture.stat().st_size > MOST_BYTES:
        raise SystemExit(f"{picture} has {picture.stat().st_size:,} bytes; the limit is {MOST_BYTES:,}")


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
