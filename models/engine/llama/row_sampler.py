"""Sample from the logits of a decode. Each sampled token has a row of logits."""

from __future__ import annotations

import ctypes
from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from core.errors import PortalError
from core.inference.requests import SamplingParams
from models.engine.llama import native
from models.engine.llama.interpreter_lock import LockReleased
from models.engine.llama.native import lib
from models.engine.llama.vocabulary import Vocabulary
from models.engine.sampling.gpu_candidates import MAX_CANDIDATES, Candidates, GpuCandidates
from models.engine.sampling.sampler import new_chain
from models.engine.sampling.steering import SteeredSampler, needs_steering
from models.engine.sampling.top_chain import TopChain, wants_only
from models.engine.sampling.top_tokens import TopTokens


class RowSampler:
    """Samples tokens from the rows of a decode. Only the decode thread uses it."""

    def __init__(self, context: Any, vocabulary: Vocabulary, gpu_slots: int = 0) -> None:
        """context: a llama_context *. gpu_slots: how many slots let the GPU find their likeliest tokens: all, or none."""
        self._context = context
        self._vocabulary = vocabulary
        self._size: Any = vocabulary.size  # As Any: the types of numpy do not know arrays of ctypes.
        self._rows: list[int] = []
        self._top_tokens = TopTokens(vocabulary.size)
        self._likely: dict[int, NDArray[np.intp]] = {}
        """The tokens that the sampler of each row of the last decode considers, once they were found."""
        self._gpu = GpuCandidates(context, gpu_slots, vocabulary.size) if gpu_slots else None
        self._candidates: dict[int, Candidates] = {}
        """What the GPU found for each row of the last decode."""
        self._lock_released = LockReleased()
        self._briefly = LockReleased()
        """Surrounds short calls that release the interpreter's lock all the same."""
        self._sample = native.short_call("llama_sampler_sample", ctypes.c_int32, ctypes.c_void_p, ctypes.c_void_p, ctypes.c_int32)
        self._logits_at = native.short_call("llama_get_logits_ith", ctypes.c_void_p, ctypes.c_void_p, ctypes.c_int32)

    def close(self) -> None:
        self._top_tokens.close()
        if self._gpu is not None:
            self._gpu.close()

    def begin(self, rows: list[int]) -> None:
        """Take over a decode. rows: the first row of each of its parts."""
        self._rows = rows
        self._likely, self._candidates = {}, {}

    def row(self, part: int) -> int:
        return self._rows[part]

    def assign(self, slot: int, sampler: Any) -> None:
        """Tell which sampler the slot's next tokens are for."""
        if self._gpu is not None:
            self._gpu.assign(slot, few=isinstance(sampler, TopChain) and sampler.top <= MAX_CANDIDATES)

    def prepare(self, samplers: Sequence[tuple[Any, int]]) -> None:
        self._likely = {}
        short = [(sampler, self._rows[part]) for sampler, part in samplers if isinstance(sampler, TopChain)]
        if self._gpu is not None:
            self._candidates = self._gpu.find(row for _, row in short)
        self._find_likely([(sampler, row) for sampler, row in short if sampler.top > 1 and row not in self._candidates])

    def _find_likely(self, wanted: Sequence[tuple[TopChain, int]]) -> None:
        """Find the tokens that these samplers consider in their rows."""
        with self._lock_released:
            for run in self._runs(wanted):
                address = self._logits_at(self._context, run[0][1])
                shape = (len(run), self._size)
                logits = np.frombuffer((ctypes.c_float * (shape[0] * shape[1])).from_address(address), np.float32).reshape(shape)
                bounds = np.array([sampler.bound for sampler, _ in run], np.float32)
                found = self._top_tokens.find(logits, [sampler.top for sampler, _ in run], bounds)
                for (sampler, row), likely, bound in zip(run, found, bounds, strict=True):
                    sampler.bound = float(bound)
                    self._likely[row] = likely

    def _runs(self, wanted: Sequence[tuple[TopChain, int]]) -> list[list[tuple[TopChain, int]]]:
        """Group rows whose logits are adjacent in memory."""
        size = 4 * self._size
        runs: list[list[tuple[TopChain, int]]] = []
        following = 0
        for sampler, row in wanted:
            address = int(self._logits_at(self._context, row))
            if runs and address == following:
                runs[-1].append((sampler, row))
            else:
                runs.append([(sampler, row)])
            following = address + size
        return runs

    def sample(self, sampler: Any, part: int, draft: int = 0) -> int:
        row = self._rows[part] + draft
        if isinstance(sampler, TopChain):
            found = self._found_on_gpu(row)
            if found is not None:
                return sampler.choose(*found)
            logits = self._logits(row)
            if sampler.top == 1:
                return sampler.most_likely(logits)
            if row not in self._likely:
                self._find_likely([(sampler, row)])
            return sampler.sample(logits, self._likely[row])
        if isinstance(sampler, SteeredSampler):
            with self._briefly:
                return sampler.sample(self._context, row)
        return int(self._sample(sampler, self._context, row))

    def _found_on_gpu(self, row: int) -> Candidates | None:
        """Return the row's candidates, if its slot let the GPU find them."""
        if self._gpu is not None and row not in self._candidates and row not in self._likely:
            self._candidates |= self._gpu.find([row])  # The row of a draft token.
        return self._candidates.get(row)

    def _logits(self, row: int) -> NDArray[np.float32]:
        """Return the vocabulary's logits after the batch's token `row`: a view that holds until the next decode."""
        address = self._logits_at(self._context, row)
        return np.frombuffer((ctypes.c_float * self._size).from_address(address), np.float32)

    def logits(self, part: int, draft: int = 0) -> NDArray[np.float32]:
        """Return the logits after part number `part` of the last decode, with its first `draft` draft tokens. Valid until the next one."""
        return self._logits(self._rows[part] + draft)

    def computed_numbers(self, part: int) -> bool:
        """Tell whether part number `part` of the last decode gave any token a likelihood: damaged weights give none."""
        return bool(np.isfinite(self.logits(part)).any())

    def new(self, params: SamplingParams, prompt: Sequence[int]) -> Any:
        with self._briefly:
            chain = new_chain(params, [token for token in prompt if token >= 0], self._vocabulary.size)
            if needs_steering(params):
                try:
                    return SteeredSampler(chain, params, self._vocabulary.native, self._vocabulary.texts)
                except PortalError:
                    lib.llama_sampler_free(chain)
                    raise
            top = wants_only(params, self._vocabulary.size)
            return chain if top is None else TopChain(chain, top)

    def free(self, sampler: Any) -> None:
        with self._briefly:
            if isinstance(sampler, SteeredSampler | TopChain):
                sampler.free()
            else:
                lib.llama_sampler_free(sampler)
