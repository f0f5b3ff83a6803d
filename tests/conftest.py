"""What holds for all tests."""

import os

from hypothesis import HealthCheck, settings

# Every run at a desk searches anew; CI tries the same examples, so that it fails by a change only.
settings.register_profile(
    "a busy machine",
    deadline=None,
    derandomize="CI" in os.environ,
    suppress_health_check=[HealthCheck.too_slow],
)
settings.load_profile("a busy machine")
