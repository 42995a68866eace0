"""The words of mails about alerts in Chinese. The English sentence is the key."""

from __future__ import annotations

from typing import Protocol

CHINESE = {
    "answers": "回答数", "failed answers": "失败的回答", "time to first token, p95": "首个词元用时 p95",
    "decoding speed, median": "解码速度中位数", "queue wait, p95": "排队等待 p95", "answers rated poor": "差评回答",
    "active people": "活跃人数", "tokens today": "今日词元数", "most used limit": "使用最多的限额",
    "models and platforms that are down": "不可用的模型和平台", "free disk space": "可用磁盘空间",
    "delay of the search index": "搜索索引延迟", "failed jobs": "失败的任务",
    "used GPU memory": "GPU 显存使用率", "GPU utilization": "GPU 使用率", "GPU temperature": "GPU 温度",
    "used server memory": "服务器内存使用率", "used slots": "槽位使用率", "waiting requests": "等待的请求",
    "platform {name}": "平台 {name}", "no data": "无数据", "none": "无", ", ": "，", ".": "。",
    "{name} fires": "{name} 正在告警", "{name} still fires": "{name} 仍在告警", "{name} has recovered": "{name} 已恢复",
    "{name} no longer has data": "{name} 不再有数据", "{name} test": "{name} 测试", "Condition: {words}": "条件：{words}",
    "Now: {value}": "当前：{value}", "Since: {time}": "开始：{time}", "Until: {time}": "结束：{time}",
    "Worst: {value}": "最差值：{value}",
    "This is a test of the alert rule {name}. Nothing is wrong.": "这是告警规则 {name} 的测试，一切正常。",
    "{measure} over {value}": "{measure}高于 {value}", "{measure} under {value}": "{measure}低于 {value}", " in {span}": "（{span} 内）",
    "for {span}": "持续 {span}", "model {name}": "模型 {name}", "group {name}": "部门 {name}", "High": "高", "Normal": "普通", "Low": "低",
}  # fmt: skip


class Say(Protocol):
    def __call__(self, sentence: str, /, **fields: object) -> str:
        """Return a sentence with its fields filled in."""
        ...


def english(sentence: str, /, **fields: object) -> str:
    return sentence.format(**fields)


def chinese(sentence: str, /, **fields: object) -> str:
    return CHINESE[sentence].format(**fields)
