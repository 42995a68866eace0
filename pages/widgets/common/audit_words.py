"""Readable names of audit events, targets and details. Search and export use the stored names."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from core.people.audit_records import AuditEntry
from pages.shell.words import t
from pages.widgets.common.formats import MISSING, size

EVENTS = {
    "price.set": "Price set",
    "price.remove": "Price removed",
    "budget.set": "Budget set",
    "arena.export": "Leaderboard exported",
    "experiment.start": "Experiment started",
    "experiment.stop": "Experiment stopped",
    "experiment.promote": "Variant B promoted",
    "experiment.raise": "Variant B given to more people",
    "experiment.undo": "Promotion undone",
    "experiment.trip": "Experiment stopped itself",
    "experiment.expire": "Experiment ended",
    "session.open": "Signed in",
    "session.close": "Signed out",
    "session.revoke": "Session ended",
    "session.revoke_others": "Other sessions ended",
    "session.refuse": "Sign-in failed",
    "session.refuse_code": "Wrong code",
    "factor.add": "Second factor set up",
    "factor.remove": "Second factor removed",
    "factor.renew_codes": "Recovery codes renewed",
    "session.end_outside": "Signed out at the provider",
    "user.link": "Company account linked",
    "user.add": "Person added",
    "user.change": "Person changed",
    "user.review_groups": "Groups to review set",
    "user.disable": "Person disabled",
    "user.lock": "Sign-in locked",
    "user.change_password": "Password changed",
    "user.reset_password": "Password reset",
    "key.make": "API key made",
    "key.rename": "API key renamed",
    "key.revoke": "API key revoked",
    "role.add": "Role added",
    "role.change": "Role changed",
    "role.remove": "Role removed",
    "group.add": "Group added",
    "group.change": "Group changed",
    "group.instruct": "Instructions of a group changed",
    "group.remove": "Group removed",
    "collection.add": "Collection created",
    "collection.rename": "Collection renamed",
    "collection.share": "Collection shared",
    "collection.publish": "Collection shared with everyone",
    "collection.withdraw": "Collection no longer shared",
    "collection.remove": "Collection removed",
    "document.remove": "Document removed",
    "prompt.share": "Prompt shared",
    "prompt.publish": "Prompt published",
    "prompt.withdraw": "Prompt no longer shared",
    "prompt.starter": "Prompt offered in empty chats, or no longer",
    "prompt.remove": "Prompt removed",
    "models.clear_results": "Result cache emptied",
    "training.choose": "Use of chats for training allowed or refused",
    "dataset.add": "Dataset made",
    "dataset.change": "Dataset changed",
    "dataset.build": "Build of a dataset started",
    "dataset.built": "Version of a dataset built",
    "dataset.download": "File of a dataset downloaded",
    "dataset.use": "Use of a dataset noted",
    "dataset.remove": "Dataset deleted",
    "dataset.remove_version": "Version of a dataset deleted",
    "task.run": "Task approved and run",
    "task.remove": "Task deleted",
    "task.export": "Result of a task exported",
    "template.add": "Template of a task saved",
    "template.change": "Template of a task changed",
    "template.share": "Template of a task shared",
    "template.publish": "Template of a task shared with everyone",
    "template.withdraw": "Template of a task no longer shared",
    "template.remove": "Template of a task removed",
    "template.schedule": "Schedule of a task set or switched",
    "template.unschedule": "Schedule of a task removed",
    "task.let_leave": "Inputs of a task let out of the portal",
    "alert.add": "Alert rule added",
    "alert.change": "Alert rule changed",
    "alert.remove": "Alert rule deleted",
    "alert.acknowledge": "Alert acknowledged",
    "alert.silence": "Alert silenced",
    "alert.end_silence": "Silence of an alert ended",
    "alert.add_webhook": "Webhook added",
    "alert.remove_webhook": "Webhook deleted",
    "price.reprice": "Past costs recomputed",
    "report.add": "Report added",
    "report.change": "Report changed",
    "report.remove": "Report deleted",
    "report.send": "Report made and sent",
    "report.export": "Report downloaded",
    "memory.switch": "Memory switched on or off",
    "memory.delete": "Memories deleted",
    "memory.export": "Memories exported",
    "access.refuse": "Access refused",
    "conversation.delete": "Chat deleted",
    "conversation.export": "Chats exported",
    "conversation.import": "Chats imported",
    "folder.delete": "Folder deleted",
    "file.delete": "File deleted",
    "response.delete": "Response deleted",
    "grounding.delete": "Image deleted",
    "grounding.delete_batch": "Batch of images deleted",
    "share.create": "Chat shared",
    "share.revoke": "Link revoked",
    "audit.fault": "Audit log not intact",
    "tool.allow": "Tool allowed to change something",
    "tool.call": "Tool called that changes something",
    "tool.refuse": "Tool refused that changes something",
    "plugin.change": "Plugin turned on or off",
    "privacy.put": "Personal data policy set",
    "privacy.remove": "Personal data policy removed",
    "limit.put": "Limit set",
    "limit.remove": "Limit removed",
    "feedback.open": "Case opened",
    "feedback.review": "Feedback reviewed",
    "review.guidelines": "Guidelines for reviewers changed",
    "review.questions": "Questions for reviewers changed",
    "case.judge": "Review case judged",
    "case.decide": "Review case decided",
    "case.second": "Second judgement asked for, or no longer",
    "feedback.export": "Feedback exported",
    "feedback.take_back": "Rating taken back",
    "rating_form.save": "Rating form changed",
    "case.change": "Review case changed",
    "case.take_over": "Review case taken over",
    "case.reveal": "Names in a review case revealed",
    "grounding.evaluate": "Model evaluated on labelled images",
    "grounding.export": "Boxes exported",
    "usage.export": "Usage exported",
    "audit.export": "Audit exported",
    "model.load": "Model loaded",
    "model.unload": "Model unloaded",
    "model.make_default": "Default model changed",
    "model.keep": "Model loaded at every start",
    "model.leave_out": "Model no longer loaded at start",
    "model.crash": "Model crashed",
    "platforms.apply": "Platforms changed",
    "platforms.clear_embeddings": "Embedding cache emptied",
    "model.reside": "Model's time in memory changed",
    "model.swap": "Model swapped",
    "model.swap_decide": "Swap decided",
    "canary.add": "Canary question added",
    "canary.remove": "Canary question removed",
    "replay.add": "Replay question added",
    "replay.remove": "Replay question removed",
    "model.restrict": "Model access restricted",
    "model.open": "Model opened to everyone",
    "model.group_default": "Group's default model changed",
    "preset.save": "Preset saved",
    "preset.publish": "Preset published",
    "preset.withdraw": "Preset withdrawn",
    "preset.remove": "Preset removed",
    "backup.make": "Backup created",
    "backup.check": "Backup verified",
    "backup.download": "Backup downloaded",
    "backup.remove": "Backup deleted",
    "backup.restore": "Backup restored",
    "keys.rotate": "Data key created",
    "keys.rewrap": "Master key changed",
    "retention.rule": "Retention changed",
    "retention.delete": "Deleted by retention",
    "hold.place": "Legal hold placed",
    "hold.lift": "Legal hold lifted",
    "job.retry": "Job retried",
    "job.pause": "Job paused",
    "job.resume": "Job resumed",
    "model.download": "Model download started",
    "model.downloaded": "Model downloaded",
    "model.import": "Model import started",
    "model.compare": "Comparison started",
    "model.compare_remove": "Comparison deleted",
    "model.quantize": "Quantization started",
    "model.quantized": "Model quantized",
    "model.upload": "Model uploaded",
    "job.cancel": "Job cancelled",
    "index.retry": "Index jobs retried",
    "index.reconcile": "Index compared",
    "index.rebuild": "Index rebuilt",
}
"""Readable names by the stored name of the event."""

_TARGETS = {
    "feedback": "Feedback",
    "usage": "Usage",
    "audit": "Audit",
    "chats": "Chats",
    "files": "Files",
    "all": "All index jobs",
    "none": MISSING,
}
_DETAILS = {
    "role": "Role",
    "name": "Name",
    "scopes": "Scopes",
    "source": "Source",
    "active": "Active",
    "group": "Group",
    "permissions": "Permissions",
    "withheld": "Withheld",
    "measure": "Limit",
    "period": "Period",
    "amount": "Amount",
    "at_limit": "At the limit",
    "managers": "Managers",
    "was": "Previously",
    "model": "Model",
    "access": "Access",
    "step": "Step",
    "idle": "Idle minutes",
    "load_at": "Loaded at",
    "version": "Version",
    "state": "State",
    "person": "Person",
    "reason": "Reason",
    "days": "Days",
    "size_bytes": "Size",
    "encrypted": "Encrypted",
    "found": "Results",
    "retried": "Retried",
    "rows": "Rows",
    "words": "Search terms",
    "first": "First day",
    "last": "Last day",
    "from": "Method",
    "address": "Address",
    "error": "Error",
    "count": "Count",
    "restored": "Restored version",
}
_VALUES: Mapping[str, Mapping[str, str]] = {
    "role": {"analyst": "Analyst", "reviewer": "Reviewer", "manager": "Manager", "admin": "Admin"},
    "state": {"new": "New", "in_review": "In review", "resolved": "Resolved"},
    "from": {"browser": "Browser", "api": "API", "page": "Page", "file": "File on disk", "restore": "Version history"},
    "found": {"whole": "Complete"},
    "days": {"none": "No rule"},
    "group": {"*": "All groups"},
}
_FLAGS = {"true": "Yes", "false": "No"}


def event_word(action: str) -> str:
    """Return the event's readable name; unknown names are shown with ": " for dots and spaces for underscores."""
    if action in EVENTS:
        return t(EVENTS[action])
    words = action.replace(".", ": ").replace("_", " ")
    return words[:1].upper() + words[1:]


def target_word(entry: AuditEntry, raters: Mapping[str, str]) -> str:
    """Return the readable target of an event. raters: see AuditPage."""
    subject = entry.event.subject
    if entry.event.action in ("feedback.open", "feedback.review"):
        person = raters.get(subject) or entry.event.details.get("person")
        if not person and subject in raters:
            return t("A rating, its name hidden")
        return t("Rating by {name}", name=person) if person else t("A withdrawn rating")
    if entry.event.action.startswith("case."):
        return t("Case {n}", n=subject)
    return t(_TARGETS[subject]) if subject in _TARGETS else subject


def details_words(entry: AuditEntry) -> str:
    """Return details such as "Role: Analyst, Group: Risk", without what the target already says."""
    about_rating = entry.event.action in ("feedback.open", "feedback.review")
    hidden = {"links", "person"} if about_rating else {"links"}
    shown = ((name, value) for name, value in entry.event.details.items() if value and name not in hidden)
    return ", ".join(f"{t(_DETAILS.get(name, _spelled(name)))}: {_value(name, value)}" for name, value in shown)


def _spelled(name: str) -> str:
    return name[:1].upper() + name[1:].replace("_", " ")


def _value(name: str, value: str) -> str:
    special: Mapping[str, Callable[[str], str]] = {"size_bytes": lambda text: size(int(text)) if text.isdigit() else text}
    if name in special:
        return special[name](value)
    known = _VALUES.get(name, {}).get(value) or _FLAGS.get(value.lower())
    return t(known) if known else value
