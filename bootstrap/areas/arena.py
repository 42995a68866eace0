"""Build the services of the Arena."""

from __future__ import annotations

from dataclasses import dataclass

from bootstrap.areas.inference import InferenceServices
from bootstrap.foundation import Foundation
from core.arena.leaderboard import Leaderboard
from core.arena.matches import ArenaMatches


@dataclass(frozen=True, kw_only=True)
class ArenaServices:
    arena: ArenaMatches
    leaderboard: Leaderboard


def build_arena(base: Foundation, inference: InferenceServices) -> ArenaServices:
    return ArenaServices(
        arena=ArenaMatches(base.unit_of_work, inference.gateway, base.clock, base.settings.max_question_chars),
        leaderboard=Leaderboard(base.unit_of_work, base.clock),
    )
