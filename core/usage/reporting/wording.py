"""The words of reports and of mails, in English and Chinese. The English sentence is the key, as on the pages."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date

from core.usage.records import Language

BOARDS = {
    "overview": "Overview", "adoption": "Adoption", "quality": "Quality", "speed": "Speed", "capacity": "Capacity", "money": "Money",
}  # fmt: skip
CARDS = {
    "figures": "Figures", "answers_per_day": "Answers per day", "rated_good": "Rated good, per week",
    "active_people": "Active people, per week", "groups": "By group", "models": "By model", "people_per_day": "Active people per day",
    "troubles_per_day": "Failed and stopped, per day", "ttft_per_day": "Time to first token, seconds",
    "queue_per_day": "Queue wait, seconds", "latency_per_day": "Answer time, seconds", "speed_per_day": "Tokens per second",
    "hours": "Hours of the week", "wait_per_week": "Queue wait per week, p95, seconds", "cost_per_day": "Cost per day",
    "budgets": "Budgets of this month",
}  # fmt: skip
NAMES = {
    "active_people": "Active people", "new_people": "First time", "answers": "Answers", "rated_good": "Rated good",
    "ttft_p95": "First token, p95", "cost": "Cost", "share_of_accounts": "Share of accounts", "answers_a_person": "Answers a person",
    "errors": "Failed", "regenerated": "Asked again", "stopped": "Stopped", "retries": "Retried", "queue_p95": "Queue wait, p95",
    "latency_p95": "Answer time, p95", "speed_p50": "Speed, median", "busiest_hour": "Busiest hour of the week",
    "prompt_reused": "Prompt reused", "cost_of_answer": "An answer", "cost_of_accepted_answer": "An accepted answer",
    "answers_without_cost": "Answers without a cost", "day": "Day", "week": "Week", "people": "People", "tokens": "Tokens",
    "rated": "Ratings", "good": "Good", "share": "Share", "low": "95 % from", "high": "to", "active": "Active", "new": "New",
    "returning": "Returning", "group": "Group", "model": "Model", "before": "Before", "accounts": "Accounts", "cut": "Cut at the limit",
    "weekday": "Weekday", "hour": "Hour", "busy": "Computing", "wait_p95": "Queue wait, p95", "currency": "Currency",
    "per_answer": "An answer", "per_accepted": "An accepted answer", "budget": "Budget", "spent": "Spent", "forecast": "Forecast",
    "passed_on": "Passed on", "p50": "p50", "p95": "p95", "p99": "p99", "ttft_p50": "First token, p50", "ttft_p99": "First token, p99",
    "queue_p50": "Queue wait, p50", "queue_p99": "Queue wait, p99", "latency_p50": "Answer time, p50", "latency_p99": "Answer time, p99",
}  # fmt: skip
WEEKDAYS = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")
CHINESE: Mapping[str, str] = {
    "Costs of {model} were recomputed from here on": "从这里起，{model} 的费用已重新计算",
    "Overview": "概览", "Adoption": "使用情况", "Quality": "质量", "Speed": "速度", "Capacity": "容量", "Money": "费用",
    "Figures": "数据", "Answers per day": "每日回答", "Rated good, per week": "每周好评率", "Active people, per week": "每周活跃人数",
    "By group": "按部门", "By model": "按模型", "Active people per day": "每天活跃人数", "Failed and stopped, per day": "每日失败与停止",
    "Time to first token, seconds": "首个词元用时（秒）", "Queue wait, seconds": "排队等待（秒）",
    "Answer time, seconds": "回答时间（秒）", "Tokens per second": "每秒词元数", "Hours of the week": "一周各小时",
    "Queue wait per week, p95, seconds": "每周排队等待 p95（秒）", "Cost per day": "每日费用", "Budgets of this month": "本月预算",
    "Active people": "活跃人数", "First time": "首次使用", "Answers": "回答", "Rated good": "好评率", "First token, p95": "首个词元 p95",
    "Cost": "费用", "Share of accounts": "占账户的比例", "Answers a person": "人均回答数", "Failed": "失败", "Asked again": "重新生成",
    "Stopped": "已停止", "Retried": "重试", "Queue wait, p95": "排队等待 p95", "Answer time, p95": "回答用时 p95",
    "Speed, median": "速度中位数", "Busiest hour of the week": "一周中最忙的小时", "Prompt reused": "提示词复用", "An answer": "每个回答",
    "An accepted answer": "每个好评回答", "Answers without a cost": "没有费用的回答", "Day": "日期", "Week": "周", "People": "人员",
    "Tokens": "词元", "Ratings": "评价数", "Good": "好评", "Share": "比例", "95 % from": "95% 下限", "to": "上限", "Active": "活跃",
    "New": "新用户", "Returning": "回访", "Group": "部门", "Model": "模型", "Before": "之前", "Accounts": "账户",
    "Cut at the limit": "达到长度上限", "Weekday": "星期", "Hour": "小时", "Computing": "计算占比", "Currency": "货币", "Budget": "预算",
    "Spent": "已用", "Forecast": "预测", "Passed on": "超出日期", "p50": "p50", "p95": "p95", "p99": "p99",
    "First token, p50": "首个词元 p50", "First token, p99": "首个词元 p99", "Queue wait, p50": "排队等待 p50",
    "Queue wait, p99": "排队等待 p99", "Answer time, p50": "回答用时 p50", "Answer time, p99": "回答用时 p99", "Mon": "周一",
    "Tue": "周二", "Wed": "周三", "Thu": "周四", "Fri": "周五", "Sat": "周六", "Sun": "周日", "No group": "无部门",
    "all groups": "所有部门",
    "This period": "本期", "Computing, %": "计算占比（%）",
    "not measured": "未测量", "All groups": "全部部门", "All models": "全部模型", "{first} to {last}": "{first} 至 {last}",
    "Days of {zone}. Made on {time}.": "{zone} 的日期。生成于 {time}。", "before: {value}": "之前：{value}",
    "Nothing was counted in this period.": "此时段没有计数。", "A dash means that nothing was measured.": "破折号表示未测量。",
    "Numbered lines mark changes:": "编号的线标记变更：", "Report: {name}": "报告：{name}",
    "The report {name} for {period} is attached. It opens in any browser without a connection.":
        "附件是 {period} 的报告“{name}”，无需联网即可在任意浏览器中打开。",
    "All reports: {address}": "所有报告：{address}", "{model} was swapped to version {version}": "{model} 已切换到版本 {version}",
    "{model} was loaded": "已加载 {model}", "{model} was unloaded": "已卸载 {model}",
    "{model} became the default": "{model} 成为默认模型", "Configuration version {version} was applied": "已应用配置版本 {version}",
    "The swap of {model} was rolled back to version {version}": "{model} 的切换已回滚到版本 {version}",
    "The prompt {model} is at version {version}": "提示词“{model}”更新为版本 {version}",
    "A new price of {model} applies": "{model} 的新价格生效", "The preset {model} was offered": "已发布预设 {model}",
    "The preset {model} was changed": "已修改预设 {model}", "The preset {model} was withdrawn": "已撤回预设 {model}",
    "A shared prompt was changed": "一个共享提示词已修改",
}  # fmt: skip


def say(language: Language, sentence: str, /, **fields: object) -> str:
    """Return a sentence in a language, with its fields filled in."""
    words = CHINESE[sentence] if language is Language.ZH else sentence
    return words.format(**fields) if fields else words


def day_words(language: Language, day: date) -> str:
    return f"{day.year}年{day.month}月{day.day}日" if language is Language.ZH else f"{day.day} {day:%b %Y}"


def short_day(language: Language, day: date) -> str:
    return f"{day.month}月{day.day}日" if language is Language.ZH else f"{day.day} {day:%b}"
