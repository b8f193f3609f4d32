"""What all tests share: servers, and that properties are not about how fast a machine is."""

import os

import pytest
from hypothesis import settings

pytest_plugins = ["tests.kfp_server.fixtures", "tests.servers.fixtures", "tests.small_disks"]

# In CI as many examples as hypothesis itself tries, and fewer where somebody waits for them.
examples = 100 if os.environ.get("CI") == "true" else 15
settings.register_profile("fanfold", deadline=None, max_examples=examples)
settings.load_profile("fanfold")

LONGEST = (
    "test_wheel.py", "test_tune.py", "test_runner.py", "test_cli_cluster.py", "test_cli.py",
    "test_buckets.py", "test_kills.py",
)  # fmt: skip
"""Files that take longest: at the end one worker would do them while the others had nothing."""


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    items.sort(key=lambda item: item.path.name not in LONGEST)
