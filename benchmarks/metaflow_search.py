"""The search as the seed ran it, on Metaflow: a task a combination, each reading the text anew.

    python benchmarks/metaflow_search.py run --table table.csv --grid '{...}' --max-workers 2

Every combination is cross-validated in a task of its own by scikit-learn and xgboost; the best one
is then fitted on all training rows and scored on the test rows. `found` gets what it found.
"""

from metaflow import FlowSpec, Parameter, step


class Search(FlowSpec):
    table = Parameter("table", required=True)
    grid = Parameter("grid", required=True)
    seed = Parameter("seed", type=int, required=True)
    found = Parameter("found", required=True)

    @step
    def start(self):
        import json

        from sklearn.model_selection import ParameterGrid

        self.combinations = list(ParameterGrid(json.loads(self.grid)))
        self.next(self.cross_validate, foreach="combinations")

    @step
    def cross_validate(self):
        from searches import mean_rmse, rows_of

        self.combination = self.input
        self.rmse = mean_rmse(rows_of(self.table), self.seed, self.combination)
        self.next(self.select)

    @step
    def select(self, inputs):
        best = min(inputs, key=lambda each: each.rmse)
        self.combination, self.rmse = best.combination, best.rmse
        self.next(self.train)

    @step
    def train(self):
        from searches import pipeline, rows_of, target
        from sklearn.metrics import root_mean_squared_error

        train, test = rows_of(self.table), rows_of(self.table, "test")
        model = pipeline(self.seed, **self.combination).fit(train["definition"], target(train))
        estimate = model.predict(test["definition"])
        self.test_rmse = root_mean_squared_error(target(test), estimate)
        self.next(self.end)

    @step
    def end(self):
        import json
        from pathlib import Path

        Path(self.found).write_text(json.dumps({"winner": self.combination, "rmse": self.rmse}))


if __name__ == "__main__":
    Search()
