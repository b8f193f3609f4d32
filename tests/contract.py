"""What a search writes, as the README promises it: said here once, and not taken from the code."""

FILES = {
    "best.json",
    "leaderboard.csv",
    "metrics.json",
    "model",
    "rejects.csv",
    "report.html",
    "scores.csv",
    "summary.json",
}
