"""The HTTP API, version 1, put together from the rooms' routers."""

from __future__ import annotations

from ninja import NinjaAPI

from collectors import VERSION
from server.assess.api import router as assess
from server.assignments.api import router as assignments
from server.campaigns.api import router as campaigns
from server.documents.api import router as documents
from server.errors import install
from server.evidence.api import router as evidence
from server.feeds.api import router as feeds
from server.ingest.api import router as ingest
from server.programs.api import router as programs
from server.registers.api import router as registers
from server.relays.api import router as relays
from server.sweeps.api import router as sweeps
from server.waivers.api import router as waivers

api = NinjaAPI(
    title="rasoat",
    version=VERSION,
    description="For agents: enrolment, upload of sealed snapshots, what to do. For programs with a key: what people see. Errors are `{error, message}`.",
    urls_namespace="api",
    docs_url="/docs",
)
api.add_router("/v1/", ingest)
api.add_router("/v1/", assess)
api.add_router("/v1/", relays)
api.add_router("/v1/", programs)
api.add_router("/v1/", feeds)
api.add_router("/v1/", sweeps)
api.add_router("/v1/", waivers)
api.add_router("/v1/", campaigns)
api.add_router("/v1/", evidence)
api.add_router("/v1/", assignments)
api.add_router("/v1/", registers)
api.add_router("/v1/", documents)
install(api)
