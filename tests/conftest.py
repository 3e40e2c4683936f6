"""What every test may rely on: no setting of the caller's shell, and one way to draw examples."""

from __future__ import annotations

import os

from hypothesis import HealthCheck, settings

# Servers that the tests start inherit the environment: only what a test sets may count there.
# CHATSTREAM_TEST_… is addressed to the tests themselves.
for name in list(os.environ):
    if name.startswith("CHATSTREAM_") and not name.startswith("CHATSTREAM_TEST_"):
        del os.environ[name]

# No deadlines: two workers and their servers share the processor.
_calm = {"deadline": None, "suppress_health_check": [HealthCheck.too_slow]}
settings.register_profile("dev", max_examples=100, **_calm)
settings.register_profile("ci", max_examples=100, derandomize=True, print_blob=True, **_calm)
settings.register_profile("thorough", max_examples=2_000, **_calm)
settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "ci" if "CI" in os.environ else "dev"))
