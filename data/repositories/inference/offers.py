"""Store presets, access rules and the default models of groups."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict

from sqlalchemy import bindparam, delete, insert, select, update

from core.inference.offers import PRESET_PARAMS, AccessRule, Preset
from core.inference.requests import SamplingParams, Tool
from data.tables import GroupModelTable, ModelAccessTable, PresetTable
from data.transaction import AnyRow, Transaction

_PRESET = PresetTable.__table__.c
_ACCESS = ModelAccessTable.__table__.c
_GROUP = GroupModelTable.__table__.c
_PRESETS = select(PresetTable.__table__).order_by(_PRESET.name)
_PRESET_NAMED = select(PresetTable.__table__).where(_PRESET.name == bindparam("preset"))
_RULES = select(_ACCESS.model, _ACCESS.kind, _ACCESS.subject).order_by(_ACCESS.model)
_GROUP_MODELS = select(_GROUP.group_name, _GROUP.model).order_by(_GROUP.group_name)
ROLE, GROUP = "role", "group"


class SqlOfferRepository:
    def __init__(self, transaction: Transaction) -> None:
        self._sql = transaction

    def presets(self) -> Sequence[Preset]:
        return [_preset(row) for row in self._sql.all(_PRESETS)]

    def preset(self, name: str) -> Preset | None:
        row = self._sql.first(_PRESET_NAMED, {"preset": name})
        return None if row is None else _preset(row)

    def put_preset(self, preset: Preset) -> None:
        params = {name: getattr(preset.params, name) for name in PRESET_PARAMS if getattr(preset.params, name) not in (None, ())}
        values = {
            "name": preset.name,
            "model": preset.model,
            "title": preset.title,
            "description": preset.description,
            "system_prompt": preset.system_prompt,
            "params": json.dumps(params, ensure_ascii=False),
            "tools": json.dumps([asdict(tool) for tool in preset.tools], ensure_ascii=False),
            "collections": json.dumps(preset.collections),
            "thinking": preset.thinking,
            "published": preset.published,
            "created_at": preset.created_at,
            "updated_at": preset.updated_at,
            "updated_by": preset.updated_by,
        }
        changes = values.keys() - {"name", "created_at"}
        self._sql.upsert(PresetTable, ["name"], values, changes, _PRESET.name)

    def remove_preset(self, name: str) -> bool:
        self._sql.write(delete(ModelAccessTable).where(_ACCESS.model == name))
        return self._sql.write(delete(PresetTable).where(_PRESET.name == name)).rowcount > 0

    def rules(self) -> Sequence[AccessRule]:
        found: dict[str, dict[str, set[str]]] = {}
        for row in self._sql.all(_RULES):
            found.setdefault(row.model, {ROLE: set(), GROUP: set()}).setdefault(row.kind, set()).add(row.subject)
        return [AccessRule(name, frozenset(of[ROLE]), frozenset(of[GROUP])) for name, of in found.items()]

    def put_rule(self, rule: AccessRule) -> None:
        self._sql.write(delete(ModelAccessTable).where(_ACCESS.model == rule.model))
        rows = [{"kind": ROLE, "subject": role} for role in rule.roles] + [{"kind": GROUP, "subject": group} for group in rule.groups]
        if rows:
            self._sql.write(insert(ModelAccessTable), [{"model": rule.model, **row} for row in rows])

    def rename_group(self, old: str, new: str) -> None:
        named = (_ACCESS.kind == GROUP, _ACCESS.subject == old)
        taken = [row.model for row in self._sql.all(select(_ACCESS.model).where(_ACCESS.kind == GROUP, _ACCESS.subject == new))]
        self._sql.write(delete(ModelAccessTable).where(*named, _ACCESS.model.in_(taken)))
        self._sql.write(update(ModelAccessTable).where(*named).values(subject=new))
        if self._sql.first(select(_GROUP.model).where(_GROUP.group_name == new)) is None:
            self._sql.write(update(GroupModelTable).where(_GROUP.group_name == old).values(group_name=new))

    def group_models(self) -> Mapping[str, str]:
        return {row.group_name: row.model for row in self._sql.all(_GROUP_MODELS)}

    def put_group_model(self, group: str, model: str | None) -> None:
        if model is None:
            self._sql.write(delete(GroupModelTable).where(_GROUP.group_name == group))
        else:
            self._sql.upsert(GroupModelTable, ["group_name"], {"group_name": group, "model": model}, ["model"], _GROUP.group_name)


def _preset(row: AnyRow) -> Preset:
    params = json.loads(row.params)
    params["stop"] = tuple(params.get("stop", ()))
    return Preset(
        name=row.name,
        model=row.model,
        title=row.title,
        description=row.description,
        system_prompt=row.system_prompt,
        params=SamplingParams(**params),
        tools=tuple(Tool(**tool) for tool in json.loads(row.tools)),
        collections=tuple(json.loads(row.collections)),
        thinking=row.thinking,
        published=row.published,
        created_at=row.created_at,
        updated_at=row.updated_at,
        updated_by=row.updated_by,
    )
