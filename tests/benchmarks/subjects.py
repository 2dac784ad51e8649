"""What is measured, one function a subject; those that only work for root say why they were not run."""

from __future__ import annotations

from collections.abc import Callable

from tests.benchmarks import (
    codec,
    endpoints,
    generated,
    kernel,
    nic,
    oracle,
    purposes,
    simulated,
    specification,
    suites,
)
from tests.benchmarks.measure import Effort, Figure

SUBJECTS: dict[str, Callable[[Effort], dict[str, Figure]]] = {
    "oracle": oracle.measure,
    "reference": simulated.measure,
    "codec": codec.measure,
    "specification": specification.measure,
    "suite": suites.measure,
    "generated": generated.measure,
    "purposes": purposes.measure,
    "mutants": specification.mutants,
    "endpoints": endpoints.measure,
    "nicmodel": nic.measure,
    "linux": kernel.measure,
}
