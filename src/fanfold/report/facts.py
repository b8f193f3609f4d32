"""Plain facts of a search: its tokens, its rows, its provenance."""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from fanfold.report.data import ReportData
from fanfold.report.words import NOTHING, bytes_text, percent, seconds_text, shown
from fanfold.results.cost_text import spent_text

MOST_TOKENS = 24


def tokens(data: ReportData) -> list[tuple[str, str, str]]:
    """The tokens that matter most: text, width of its bar, share."""
    top = list(data.importances or [])[:MOST_TOKENS]
    largest = max((share for _, share in top), default=0.0) or 1.0
    return [(shown(t, 60), f"{100 * share / largest:.1f}%", percent(share)) for t, share in top]


def tokens_text(estimator: str) -> str:
    """What a token's share is a share of."""
    if estimator == "xgboost":
        return "Share of the total gain: how much the splits on a token reduce the error."
    return "Share of the fit: of the coefficients by size, or of what splits reduce the error."


def accounting(summary: Mapping[str, Any]) -> dict[str, Any]:
    """Where every row of the table went."""
    read = summary["rows_read"]
    counts = {name: summary[f"rows_{name}"] for name in ("train", "test", "empty", "rejected")}
    return {
        "read": f"{read:,}",
        "parts": [
            {"name": name, "count": f"{count:,}", "share": f"{100 * count / (read or 1):.3f}%"}
            for name, count in counts.items()
        ],
        "rejects": [
            {
                "line": f"{reject['line']:,}",
                "reason": shown(str(reject["reason"]), 160),
                "text": shown(str(reject["text"]), 160),
            }
            for reject in summary["first_rejects"]
        ],
    }


def provenance(data: ReportData) -> list[tuple[str, str]]:
    """What it takes to get these numbers again, and what it took to get them."""
    summary, source = data.summary, data.summary["data"]
    size = source.get("size")
    facts = {
        "Data": _data_text(source),
        "Size": "" if size is None else bytes_text(size),
        "Version": source.get("version") or "",
        "Corpus": summary["corpus_digest"],
        "Tokens": f"{summary['tokens']:,} in the training rows;"
        f" {summary['vocabulary']:,} distinct ones stored",
        "Started": started_text(summary["started"]),
        "Folds": _folds_text(summary) if data.metrics is not None else "",
        "Time": time_text(summary) if data.metrics is not None else "",
        "Memory": f"{bytes_text(summary['peak_memory_bytes'])} at most" if data.metrics else "",
        "Revision": summary["git"],
        "Versions": ", ".join(f"{name} {number}" for name, number in summary["versions"].items()),
    }
    return [(name, shown(str(text), 400)) for name, text in facts.items() if text]


def _data_text(source: Mapping[str, Any]) -> str:
    if "rows" in source:
        return f"a frame of {source['rows']:,} rows and {source['columns']:,} columns"
    return str(source.get("uri") or "")


def _folds_text(summary: Mapping[str, Any]) -> str:
    computed, remembered = summary["folds_computed"], summary["folds_remembered"]
    known = f", {remembered:,} remembered by the ledger" if remembered else ""
    return f"{computed:,} computed{known}"


def time_text(summary: Mapping[str, Any]) -> str:
    """What the whole search took, and cost."""
    return spent_text(summary, seconds_text)


def settings(summary: Mapping[str, Any]) -> list[tuple[str, str]]:
    """Each setting and its value; text as it is, all else as JSON."""
    return [
        (name, shown(value if isinstance(value, str) else json.dumps(value), 400) or NOTHING)
        for name, value in summary["settings"].items()
    ]


def started_text(started: str) -> str:
    """An ISO 8601 time for people: 4 March 2026, 09:12 UTC."""
    time = datetime.fromisoformat(started).astimezone(UTC)
    return f"{time.day} {time:%B %Y, %H:%M} UTC"
