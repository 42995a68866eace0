"""Read platforms and routes from the YAML file. Everything is checked; the first error refuses the whole file."""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path
from typing import NoReturn
from urllib.parse import urlsplit

from core.inference.records import Task
from core.models.records import ModelKind
from core.platforms.records import LOCAL, Limits, Platform, PlatformsConfig, PlatformType, Price, RemoteModel, RouteEntry
from models.platforms.configuration.yaml_blocks import Block, ConfigurationError, read_blocks

PARAMETERS = frozenset({
    "temperature", "top_p", "max_tokens", "stop", "seed", "presence_penalty", "frequency_penalty", "logprobs", "json_schema", "tools",
})  # fmt: skip
"""Parameters that every server of OpenAI's protocol is expected to accept, unless `drops` names them."""
EXTRA_PARAMETERS = frozenset({
    "top_k", "min_p", "typical_p", "repeat_penalty", "logit_bias", "stop_tokens", "grammar", "thinking", "thinking_type",
})  # fmt: skip
"""Parameters that only some servers accept, and `takes` names.

thinking: vLLM's and SGLang's chat_template_kwargs; thinking_type: the field of GLM's API.
"""
MAX_PLATFORMS = 64
MAX_MODELS = 512
_KINDS = {"llm": ModelKind.CHAT, "embedding": ModelKind.EMBEDDING, "rerank": ModelKind.RERANKING, "detect": ModelKind.DETECTION}
_NAME = re.compile(r"[a-z0-9][a-z0-9_-]{0,39}")
_KIND = re.compile(r"[a-z0-9][a-z0-9-]{0,39}")
MAX_OPTIONS, MAX_OPTION_LENGTH = 50, 2_000
_MODEL = re.compile(r"[^\s@,]{1,200}")
_VARIABLE = re.compile(r"\$\{([A-Za-z_][A-Za-z0-9_]*)\}")


class YamlConfigurationReader:
    """Fulfils core's ConfigurationReader."""

    def __init__(self, file: str, environment: Mapping[str, str]) -> None:
        """file: its name, for errors. environment: where `${NAME}` is looked up."""
        self._file = file
        self._environment = environment

    def read(self, text: str) -> PlatformsConfig:
        top = read_blocks(text, self._file)
        if top is None:
            return PlatformsConfig()
        platforms = self._platforms(top)
        routes = self._routes(top, platforms)
        hosts = frozenset(host.lower() for _, host in top.words("allow_hosts"))
        top.end()
        return PlatformsConfig(platforms=tuple(platforms.values()), routes=routes, allowed_hosts=hosts)

    def _platforms(self, top: Block) -> dict[str, Platform]:
        found: dict[str, Platform] = {}
        for line, written in top.mixed("platforms"):
            if isinstance(written, str):
                self._wrong(line, "{file}, line {line}: {key} must be lines of the form name: value.", key="platforms")
            platform = self._platform(written)
            if platform.name in found:
                written.wrong("name", "{file}, line {line}: two platforms are named {name}.", name=platform.name)
            found[platform.name] = platform
            if len(found) > MAX_PLATFORMS:
                self._wrong(line, "{file}, line {line}: there are more than {most} platforms.", most=MAX_PLATFORMS)
        found.setdefault(LOCAL, Platform(name=LOCAL, type=PlatformType.LOCAL))
        return found

    def _platform(self, block: Block) -> Platform:
        name = block.text("name", required=True)
        if not _NAME.fullmatch(name):
            block.wrong("name", "{file}, line {line}: a name has up to 40 small letters, digits, - and _. {name} does not.", name=name[:80])
        if name == LOCAL:
            block.end()
            return Platform(name=LOCAL, type=PlatformType.LOCAL, line=block.line)
        kind = block.text("type", required=True)
        types = [each.value for each in PlatformType if each is not PlatformType.LOCAL]
        if kind not in types:
            block.wrong("type", "{file}, line {line}: {key} must be one of {choices}.", key="type", choices=", ".join(types))
        models = self._models(block)
        for each in models:
            if (each.kind is ModelKind.DETECTION) is not (kind == PlatformType.DETECTOR):
                words = "{file}, line {line}: models under detect need a platform of type detector, and such a platform has no others."
                self._wrong(each.line, words)
            if each.kind is not ModelKind.CHAT and kind == PlatformType.PLUGIN:
                self._wrong(each.line, "{file}, line {line}: a platform of type plugin has models for chats only, under llm.")
        platform = Platform(
            name=name,
            type=PlatformType(kind),
            base_url=self._url(block) if kind != PlatformType.PLUGIN or block.has("base_url") else "",
            api_key=self._key(block),
            ca_file=self._ca(block),
            models=models,
            limits=_limits(block.block("limits")),
            price=_price(block.block("price")),
            takes=self._parameters(block, "takes", EXTRA_PARAMETERS),
            drops=self._parameters(block, "drops", PARAMETERS),
            enabled=block.flag("enabled") is not False,
            kind=self._kind(block) if kind == PlatformType.PLUGIN else "",
            options=_options(block.block("options")) if kind == PlatformType.PLUGIN else (),
            line=block.line,
        )
        block.end()
        return platform

    def _kind(self, block: Block) -> str:
        written = block.text("kind", required=True)
        if not _KIND.fullmatch(written):
            block.wrong("kind", "{file}, line {line}: {kind} is no kind of platform. A plugin says what its kinds are.", kind=written[:80])
        return written

    def _url(self, block: Block) -> str:
        written = block.text("base_url", required=True)
        try:
            parts = urlsplit(written)
            host, _ = parts.hostname, parts.port
        except ValueError:
            host, parts = None, urlsplit("")
        if not host or parts.scheme not in ("http", "https") or parts.query or parts.fragment or not written.isascii():
            block.wrong(
                "base_url", "{file}, line {line}: {url} is not an address such as https://models.example/v1.", url=written[:200]
            )
        if parts.username or parts.password:
            block.wrong("base_url", "{file}, line {line}: an address must not contain a name or a password. Use api_key.")
        return written.rstrip("/")

    def _key(self, block: Block) -> str:
        written, path = block.text("api_key"), block.text("api_key_file")
        if written:
            variable = _VARIABLE.fullmatch(written)
            if variable is None:
                block.wrong(
                    "api_key", "{file}, line {line}: a secret must not be in this file. Write ${{NAME}} to take it from the environment, "
                    "or use api_key_file.",
                )  # fmt: skip
            if not self._environment.get(variable[1]):
                block.wrong("api_key", "{file}, line {line}: the environment variable {name} is not set.", name=variable[1])
            return self._clean("api_key", self._environment[variable[1]], block)
        if path:
            try:
                return self._clean("api_key_file", Path(path).expanduser().read_text("utf-8"), block)
            except (OSError, UnicodeDecodeError):
                block.wrong("api_key_file", "{file}, line {line}: the file {path} cannot be read.", path=path[:300])
        return ""

    def _clean(self, key: str, secret: str, block: Block) -> str:
        secret = secret.strip()
        if not secret.isascii() or not secret.isprintable() or len(secret) > 4_096:
            block.wrong(key, "{file}, line {line}: the key is not one line of plain characters.")
        return secret

    def _ca(self, block: Block) -> str:
        path = block.text("ca_file")
        if path and not Path(path).expanduser().is_file():
            block.wrong("ca_file", "{file}, line {line}: the file {path} cannot be read.", path=path[:300])
        return str(Path(path).expanduser()) if path else ""

    def _models(self, block: Block) -> tuple[RemoteModel, ...]:
        kinds = block.block("models")
        if kinds is None:
            return ()
        found: dict[str, RemoteModel] = {}
        for key, kind in _KINDS.items():
            for line, written in kinds.mixed(key):
                model = RemoteModel(name=written, id=written, kind=kind, line=line) if isinstance(written, str) else _model(written, kind)
                if not _MODEL.fullmatch(model.name):
                    self._wrong(line, "{file}, line {line}: a model's name has no spaces, commas or @. {name} does.", name=model.name[:80])
                if model.name in found:
                    self._wrong(line, "{file}, line {line}: the model {model} is listed twice.", model=model.name)
                found[model.name] = model
        kinds.end()
        if len(found) > MAX_MODELS:
            block.wrong("models", "{file}, line {line}: there are more than {most} models.", most=MAX_MODELS)
        return tuple(found.values())

    def _parameters(self, block: Block, key: str, known: frozenset[str]) -> frozenset[str]:
        for line, word in block.words(key):
            if word not in known:
                choices = ", ".join(sorted(known))
                self._wrong(line, "{file}, line {line}: {key} must be one of {choices}.", key=f"{key}: {word[:40]}", choices=choices)
        return frozenset(word for _, word in block.words(key))

    def _routes(self, top: Block, platforms: Mapping[str, Platform]) -> dict[Task, tuple[RouteEntry, ...]]:
        block = top.block("routes")
        if block is None:
            return {}
        routes = {task: tuple(self._step(line, one, platforms) for line, one in block.mixed(task.value)) for task in Task}
        block.end()
        return {task: steps for task, steps in routes.items() if steps}

    def _step(self, line: int, written: str | Block, platforms: Mapping[str, Platform]) -> RouteEntry:
        if isinstance(written, str):
            to, groups, over, up_to = written, frozenset[str](), None, None
        else:
            to = written.text("to", required=True)
            groups = frozenset(name for _, name in written.words("groups"))
            over = written.whole("over_tokens", None, 0, 100_000_000)
            up_to = written.whole("up_to_tokens", None, 1, 100_000_000)
            written.end()
        model, at, platform = to.rpartition("@")
        if not at:
            model, platform = to, ""
        if not _MODEL.fullmatch(model):
            self._wrong(line, "{file}, line {line}: a step of a route is model or model@platform, not {step}.", step=to[:80])
        if at and platform not in platforms:
            names = ", ".join(platforms)
            self._wrong(line, "{file}, line {line}: there is no platform {platform}. There is {platforms}.",
                        platform=platform[:80] or "-", platforms=names)  # fmt: skip
        listed = [each.name for each in platforms[platform].models] if at else []
        if listed and model not in listed:
            self._wrong(line, "{file}, line {line}: {platform} has no {model}. It has {models}.",
                        platform=platform, model=model, models=", ".join(listed))  # fmt: skip
        return RouteEntry(model=model, platform=platform or None, groups=groups, over_tokens=over, up_to_tokens=up_to)

    def _wrong(self, line: int, template: str, **params: object) -> NoReturn:
        raise ConfigurationError(template, file=self._file, line=line, **params)


def _model(block: Block, kind: ModelKind) -> RemoteModel:
    name = block.text("name", required=True)
    model = RemoteModel(
        name=name,
        id=block.text("id") or name,
        kind=kind,
        context=block.whole("context", None, 16, 100_000_000),
        thinking=block.flag("thinking"),
        tools=block.flag("tools"),
        vision=block.flag("vision"),
        line=block.line,
    )
    block.end()
    return model


def _options(block: Block | None) -> tuple[tuple[str, str], ...]:
    if block is None:
        return ()
    found = tuple((key, block.text(key)) for key in list(block.keys()))
    if len(found) > MAX_OPTIONS or any(len(value) > MAX_OPTION_LENGTH for _, value in found):
        block.wrong("options", "{file}, line {line}: there are at most {most} options of {length} characters.",
                    most=MAX_OPTIONS, length=MAX_OPTION_LENGTH)  # fmt: skip
    block.end()
    return found


def _limits(block: Block | None) -> Limits:
    if block is None:
        return Limits()
    default = Limits()
    limits = Limits(
        concurrent=block.whole("concurrent", default.concurrent, 1, 10_000) or default.concurrent,
        requests_per_minute=block.whole("requests_per_minute", None, 1, 10_000_000),
        timeout_s=block.number("timeout_s", default.timeout_s, 1, 86_400) or default.timeout_s,
        first_token_s=block.number("first_token_s", default.first_token_s, 0.1, 3_600) or default.first_token_s,
        idle_s=block.number("idle_s", default.idle_s, 0.1, 3_600) or default.idle_s,
    )
    block.end()
    return limits


def _price(block: Block | None) -> Price | None:
    if block is None:
        return None
    currency = block.text("currency") or "USD"
    if not re.fullmatch("[A-Z]{3}", currency):
        block.wrong("currency", "{file}, line {line}: a currency has three capital letters, for example USD.")
    price = Price(
        input=block.number("input", 0.0, 0, 1e9) or 0.0,
        cached=block.number("cached", None, 0, 1e9),
        output=block.number("output", 0.0, 0, 1e9) or 0.0,
        currency=currency,
        per=block.whole("per", 1_000_000, 1, 1_000_000_000) or 1_000_000,
    )
    block.end()
    return price
