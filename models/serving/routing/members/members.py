"""Hold all platforms of the configuration. A platform that an edit leaves unchanged keeps its health, its queue and its stats."""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from urllib.parse import urlsplit

from core.platforms.records import LOCAL, Platform, PlatformsConfig, PlatformType
from models.platforms.plugin.plugin_platform import NoKinds, PluginKinds, PluginPlatform
from models.platforms.remote.addresses import Resolve, resolve
from models.platforms.remote.failures import PlatformFailure
from models.platforms.remote.remote_platform import RemotePlatform
from models.serving.routing.members.member import Member, local_member

CHECK_S = 3.0
"""Seconds that an edit waits for a platform's model list."""


@dataclass(frozen=True, slots=True)
class View:
    """The configuration and its platforms at one moment, in the order of the file."""

    config: PlatformsConfig
    members: Mapping[str, Member]

    @property
    def remote(self) -> tuple[Member, ...]:
        return tuple(each for each in self.members.values() if not each.is_local and each.config.enabled)


class Members:
    """Holds the platforms. Safe from any thread."""

    def __init__(self, changed: Callable[[], None], resolver: Resolve = resolve, kinds: PluginKinds | None = None) -> None:
        """changed: called when a platform has listed its models. kinds: the kinds of platforms that plugins provide."""
        self._kinds = kinds or NoKinds()
        self._changed = changed
        self._resolver = resolver
        self._lock = threading.Lock()
        self.view = View(PlatformsConfig(), {LOCAL: local_member()})

    def configure(self, config: PlatformsConfig) -> None:
        with self._lock:
            before = self.view
            members: dict[str, Member] = {}
            for platform in config.platforms:
                known = before.members.get(platform.name)
                same = known is not None and _alike(known.config, platform) and before.config.allowed_hosts == config.allowed_hosts
                if known is not None and same:
                    known.config = platform
                    members[platform.name] = known
                else:
                    members[platform.name] = self._member(platform, config)
            self.view = View(config, members)
            fresh = [each for name, each in members.items() if before.members.get(name) is not each]
            gone = [each for name, each in before.members.items() if members.get(name) is not each]
        for member in gone:
            member.close()
        for member in fresh:
            member.watch(self._changed)

    def missing(self, config: PlatformsConfig) -> list[tuple[int, str, str, str]]:
        """Ask the platforms for the models that the configuration names. Returns (line, platform, model, available models) of each error.

        A platform that does not answer cannot be checked, and is not an error. Raises InvalidInput for options that a plugin does not take.
        """
        for platform in config.remote:
            kind = self._kinds.platform_kind(platform.kind) if platform.type is PlatformType.PLUGIN else None
            if kind is not None:
                kind.options(platform.name, dict(platform.options))
        named = [platform for platform in config.remote if platform.enabled and platform.models]
        if not named:
            return []

        def check(platform: Platform) -> list[tuple[int, str, str, str]]:
            remote = self._other(platform, config)
            try:
                remote.discover(CHECK_S)
            except PlatformFailure:
                return []
            finally:
                remote.close()
            return [(model.line, platform.name, model.id, remote.models.listed_names()) for model in remote.models.absent()]

        with ThreadPoolExecutor(min(16, len(named)), "check platforms") as pool:
            return [wrong for found in pool.map(check, named) for wrong in found]

    def close(self) -> None:
        for member in self.view.members.values():
            member.close()

    def _member(self, platform: Platform, config: PlatformsConfig) -> Member:
        if platform.name == LOCAL:
            return local_member()
        return Member(platform, self._other(platform, config))

    def _other(self, platform: Platform, config: PlatformsConfig) -> RemotePlatform | PluginPlatform:
        if platform.type is PlatformType.PLUGIN:
            return PluginPlatform(platform, self._kinds)
        return RemotePlatform(platform, link_local=_allowed(platform, config), resolver=self._resolver)


def _alike(one: Platform, other: Platform) -> bool:
    """Tell whether two platforms differ only in their position in the file."""

    def bare(platform: Platform) -> Platform:
        return replace(platform, line=0, models=tuple(replace(model, line=0) for model in platform.models))

    return bare(one) == bare(other)


def _allowed(platform: Platform, config: PlatformsConfig) -> bool:
    return (urlsplit(platform.base_url).hostname or "").lower() in config.allowed_hosts
