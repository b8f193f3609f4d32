"""What draws the charts in the browser: Vega, Vega-Lite and Vega-Embed as one script."""

from __future__ import annotations

import functools
from pathlib import Path

KEPT = Path(__file__).with_name("library.js")


@functools.cache
def library() -> str:
    """The script in ASCII, safe inside a script element."""
    return KEPT.read_text(encoding="ascii") if KEPT.is_file() else _made()


def _made() -> str:
    import vl_convert

    script = vl_convert.javascript_bundle("window.vegaEmbed = vegaEmbed;")
    script = script.replace("</script", "<\\/script").replace("<!--", "<\\!--")
    return script.encode("ascii", "backslashreplace").decode()


def keep() -> None:
    """Keep the script beside this file, where it saves a second of each report.

    A wheel that is built then carries it; the container image has it in place of vl-convert and
    its 88 MB.
    """
    KEPT.write_text(_made(), encoding="ascii")
