"""Settings of all tests."""

import hypothesis

# The same examples in every run: what fails, fails for everybody. `--hypothesis-profile=search`
# looks for new ones.
hypothesis.settings.register_profile("fixed", derandomize=True, database=None, deadline=None)
hypothesis.settings.register_profile("search", max_examples=2000, deadline=None)
hypothesis.settings.load_profile("fixed")
