"""Send requests that Schemathesis makes from the OpenAPI description, and find responses that it does not describe."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import requests
import schemathesis
from hypothesis import HealthCheck, Phase, given, seed, settings
from schemathesis import GenerationMode
from schemathesis.core.failures import Failure, FailureGroup
from schemathesis.core.result import Ok
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    response_headers_conformance,
    response_schema_conformance,
    status_code_conformance,
)

SIGN_OUT = "DELETE /api/v1/session"
"""It ends the session of its token, so it uses a separate token."""
PATIENCE_S = 60


@dataclass
class Outcome:
    """The result of a run."""

    sent: int = 0
    seconds: float = 0.0
    statuses: Counter[int] = field(default_factory=Counter)
    faults: dict[str, str] = field(default_factory=dict)
    """The first fault found, by operation and kind of fault."""
    slowest: tuple[float, str] = (0.0, "")


def describe(url: str) -> dict[str, Any]:
    description: dict[str, Any] = requests.get(f"{url}/api/v1/openapi.json", timeout=PATIENCE_S).json()
    return description


def check(
    url: str, description: dict[str, Any], tokens: tuple[str, str], known: Mapping[str, str], count: int, *, number: int = 0
) -> Outcome:
    """Send about `count` requests, equally many to each operation, alternating valid and invalid ones.

    tokens: of an admin, and of a session that may end. known: ids that exist, by the name of the path parameter; every second request uses
    them. number: the seed of the requests. Operations that `description` leaves out are not called.
    """
    schema = schemathesis.openapi.from_dict(description)
    schema.config.update(base_url=url)
    found = list(schema.get_all_operations())
    operations = [each.ok() for each in found if isinstance(each, Ok)]
    assert len(operations) == len(found), "the description has invalid operations"
    outcome = Outcome()
    began = time.monotonic()
    with requests.Session() as session:
        session.trust_env = False
        for operation in operations:
            token = tokens[operation.label == SIGN_OUT]
            for mode in GenerationMode.POSITIVE, GenerationMode.NEGATIVE:
                _ask(operation, mode, max(1, round(count / len(operations) / 2)), number, token, known, session, outcome)
    outcome.seconds = time.monotonic() - began
    return outcome


def _ask(
    operation: Any, mode: GenerationMode, examples: int, number: int, token: str, known: Mapping[str, str], session: requests.Session,
    outcome: Outcome,
) -> None:  # fmt: skip
    @seed(number)
    @settings(max_examples=examples, database=None, deadline=None, phases=[Phase.generate], suppress_health_check=list(HealthCheck))
    @given(case=operation.as_strategy(generation_mode=mode))
    def run(case: Any) -> None:
        if outcome.sent % 2:
            for name in set(known) & set(case.path_parameters or {}):
                case.path_parameters[name] = known[name]
        case.headers = {**(case.headers or {}), "Authorization": f"Bearer {token}"}
        began = time.monotonic()
        response = case.call(session=session, timeout=PATIENCE_S)
        took = time.monotonic() - began
        outcome.sent += 1
        outcome.statuses[response.status_code] += 1
        outcome.slowest = max(outcome.slowest, (took, operation.label))
        try:
            case.validate_response(response, checks=CHECKS)
        except FailureGroup as group:
            for fault in group.exceptions:
                _note(outcome, operation.label, fault, response)

    try:
        run()
    except BaseException as problem:
        if "Unsatisfiable" not in type(problem).__name__:  # a request without a body or parameters cannot be made invalid
            raise


CHECKS = [status_code_conformance, content_type_conformance, response_headers_conformance, response_schema_conformance]


def _note(outcome: Outcome, label: str, fault: Exception, response: Any) -> None:
    title = fault.title if isinstance(fault, Failure) else type(fault).__name__
    outcome.faults.setdefault(f"{label}: {title}", f"{response.status_code} {response.text[:300]!r} {str(fault)[:600]}")
