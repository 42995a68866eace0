"""Build the services of the Arena and of experiments."""

from __future__ import annotations

from dataclasses import dataclass

from bootstrap.areas.inference import InferenceServices
from bootstrap.foundation import Foundation
from core.arena.leaderboard import Leaderboard
from core.arena.matches import ArenaMatches
from core.experiments.service import Experiments


@dataclass(frozen=True, kw_only=True)
class ArenaServices:
    arena: ArenaMatches
    leaderboard: Leaderboard
    experiments: Experiments


def build_arena(base: Foundation, inference: InferenceServices) -> ArenaServices:
    experiments = Experiments(base.unit_of_work, base.clock, inference.gateway.served)
    base.run_jobs_of(experiments)
    return ArenaServices(
        arena=ArenaMatches(base.unit_of_work, inference.gateway, base.clock, base.settings.max_question_chars),
        experiments=experiments,
        leaderboard=Leaderboard(base.unit_of_work, base.clock),
    )
