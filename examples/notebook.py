"""fanfold in a notebook: a frame goes in, a leaderboard and a model come out.

The marks `# %%` are cells, for editors that know them; as a script it prints what cells show.
"""

# %% A table: a frame of pandas, polars or pyarrow, or the path of a file. Here one that is made up.
import tempfile
from pathlib import Path

import pandas as pd

import fanfold
from fanfold.tables.sample import write_sample

with tempfile.TemporaryDirectory() as folder:
    write_sample(Path(folder) / "words.csv", rows=2000)
    words = pd.read_csv(Path(folder) / "words.csv", on_bad_lines="skip")

# %% Every combination of the grid, over three folds; the best is trained and tested.
# Meanwhile the cell shows how the search stands.
found = fanfold.tune(
    words,
    text_column="definition",
    target="log1p(up_votes + down_votes)",
    folds=3,
    grid={
        "max_depth": range(3, 7, 3),
        "n_estimators": [20, 40],
        "text__weighting": ["tfidf", "count"],
    },
)
print(found.leaderboard[["rank", "max_depth", "n_estimators", "text__weighting", "rmse_mean"]])

# %% The target may be values, one for each row.
votes = pd.to_numeric(words["up_votes"], errors="coerce").fillna(0)
by_values = fanfold.tune(words, target=votes.clip(upper=100), grid={"max_depth": [3]}, folds=3)
print(by_values)

# %% What won, and how it did on rows that it never saw. Alone in a cell, `found` is the report.
print(found.best["parameters"], found.metrics)
print(found.best["sentence"])

# %% The model takes texts, or a frame with the text column.
print(found.model.predict(words.head(3)))
print(found.model.predict(["so good that I read it twice", ""]))
