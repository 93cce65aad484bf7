"""Runs that wait for a pool sleep meanwhile.

Belongs here: that, and nothing else. The in-process executor of Dagster 1.13 asks again without a pause while it waits
for a slot (dagster-io/dagster, pull request 20367), which takes a fifth to a third of a core from the run at work, for
each that waits. To be looked at, and if it can be taken out, when Dagster is raised above 1.13.
"""

import time

from dagster._core.execution.plan.instance_concurrency_context import InstanceConcurrencyContext


def _seconds_to_next_claim(self: InstanceConcurrencyContext) -> float:
    now = time.time()
    return max(0.0, min((ready_at - now for ready_at in self._pending_timeouts.values()), default=0.0))


def install() -> None:
    """Make every run of this process wait so."""
    InstanceConcurrencyContext.interval_to_next_pending_claim_check = _seconds_to_next_claim  # type: ignore[method-assign]
