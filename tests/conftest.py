"""Settings of all tests."""

from pathlib import Path

import hypothesis

# The same examples in every run: what fails, fails for everybody. `--hypothesis-profile=search`
# looks for new ones.
hypothesis.settings.register_profile("fixed", derandomize=True, database=None, deadline=None)
hypothesis.settings.register_profile("search", max_examples=2000, deadline=None)
hypothesis.settings.load_profile("fixed")

CLUSTER = Path(__file__).parent / "cluster"


def pytest_ignore_collect(collection_path, config):
    """Tests of a cluster run only where they are asked for by path, as `make cluster-test` does."""
    if collection_path != CLUSTER:
        return None
    asked = [Path(each.partition("::")[0]).resolve() for each in config.args]
    return None if any(each.is_relative_to(CLUSTER) for each in asked) else True
