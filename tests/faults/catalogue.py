"""Every scenario there is."""

from tests.faults.scenario import Scenario
from tests.faults.scenarios import (
    absence,
    api_faults,
    clocks,
    cut_off,
    deaf_reader,
    deletes,
    down_time,
    hand_over,
    hung,
    killed_daemon,
    limits,
    outage,
    pages,
    rehearsals,
    reloads,
    rotation,
    told_to_end,
    virtual_year,
)

SCENARIOS: tuple[Scenario, ...] = (
    *api_faults.SCENARIOS,
    *pages.SCENARIOS,
    *outage.SCENARIOS,
    *rotation.SCENARIOS,
    *hung.SCENARIOS,
    *absence.SCENARIOS,
    *deletes.SCENARIOS,
    *limits.SCENARIOS,
    *rehearsals.SCENARIOS,
    *cut_off.SCENARIOS,
    *hand_over.SCENARIOS,
    *told_to_end.SCENARIOS,
    *killed_daemon.SCENARIOS,
    *down_time.SCENARIOS,
    *clocks.SCENARIOS,
    *virtual_year.SCENARIOS,
    *reloads.SCENARIOS,
    *deaf_reader.SCENARIOS,
)
