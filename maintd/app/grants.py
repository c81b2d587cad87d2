"""What the Roles of one jobs.yaml follow from, put together from every layer that asks for rights."""

from functools import partial

from maintd.config.jobs import JobsFile
from maintd.config.settings import Settings
from maintd.core.ports import Discovery
from maintd.derive.rbac import Grants
from maintd.election.lease_homes import lease_needs
from maintd.rails.needs import rails_needs
from maintd.scheduling.homes import state_needs


def grants_for(settings: Settings, file: JobsFile, found: Discovery | None = None) -> Grants:
    """`found`: what the cluster has, where it was asked."""
    home = settings.state_namespace or settings.namespace
    return Grants(
        file=file,
        namespace=settings.namespace,
        gate=partial(rails_needs, own_namespace=settings.namespace),
        own=(*state_needs(home), *lease_needs(home)),
        found=found,
    )
