"""Build the gateway to models, with its limits, privacy filter and routes."""

from __future__ import annotations

import os
from dataclasses import dataclass

from bootstrap.foundation import Foundation
from core.access.limits import Limits
from core.images.images import Images
from core.inference.caching.embedding_cache import EmbeddingCache
from core.inference.caching.result_cache import ResultCache
from core.inference.choosing.access import ModelAccess
from core.inference.choosing.presets import Presets
from core.inference.gateway import Gateway
from core.knowledge.files import MB
from core.platforms.platform_monitor import PlatformMonitor
from core.platforms.platforms_file import PlatformsFile
from core.platforms.service import PlatformService
from core.plugins.service import Plugins
from core.privacy.filter import PrivacyFilter
from data.own_patterns import Re2Patterns
from models.platforms.configuration.form_text import YamlFormText
from models.platforms.configuration.reader import YamlConfigurationReader
from models.serving.routing.platform_router import PlatformRouter


@dataclass(frozen=True, kw_only=True)
class InferenceServices:
    gateway: Gateway
    limits: Limits
    privacy: PrivacyFilter
    plugins: Plugins
    embedding_cache: EmbeddingCache
    result_cache: ResultCache
    presets: Presets
    model_access: ModelAccess
    platforms: PlatformService
    platform_monitor: PlatformMonitor


def build_inference(base: Foundation, router: PlatformRouter, images: Images, plugins: Plugins) -> InferenceServices:
    """Build the services of inference. router: chooses between the local models and other servers."""
    settings, unit_of_work, clock = base.settings, base.unit_of_work, base.clock
    privacy = PrivacyFilter(unit_of_work, clock, Re2Patterns())
    cache = EmbeddingCache(unit_of_work, clock, settings.embedding_cache_mb * MB)
    results = ResultCache(unit_of_work, clock, settings.result_cache_mb * MB, settings.result_cache_days)
    used_cache = cache if cache.most_bytes else None
    gateway = Gateway(unit_of_work, router, clock, privacy, images, used_cache, detectors=router, filters=plugins, results=results)
    path = settings.platforms_path
    reader, form_text = YamlConfigurationReader(path.name, os.environ), YamlFormText(path.name)
    base.run_jobs_of(cache, results)
    return InferenceServices(
        gateway=gateway,
        limits=gateway.limits,
        privacy=privacy,
        plugins=plugins,
        embedding_cache=cache,
        result_cache=results,
        presets=Presets(unit_of_work, clock),
        model_access=ModelAccess(unit_of_work, clock),
        platforms=PlatformService(unit_of_work, clock, reader, PlatformsFile(path), router, form_text),
        platform_monitor=PlatformMonitor(unit_of_work, clock, router, gateway, cache),
    )
