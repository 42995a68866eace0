# ruff: noqa: E501 - texts, each on its own line
"""Hold the questions of the people of tests/seed.py, and the answers."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Talk:
    question: str
    answer: str
    reasoning: str = ""
    complaint: str = ""
    """What someone says who finds this answer poor."""

    @property
    def chinese(self) -> bool:
        return any(ord(letter) > 0x2E80 for letter in self.question)


TALKS = (
    Talk(
        "Convert the exposure table to euro and give the total. Rates 41.20, Credit 18.75, FX options 7.40, all in million USD; 1 USD = 0.9615 EUR.",
        "The converted exposure, at 1 USD = 0.9615 EUR:\n\n| Desk | USD m | EUR m |\n|:--|--:|--:|\n| Rates | 41.20 | 39.61 |\n| Credit | 18.75 | 18.03 |\n"
        "| FX options | 7.40 | 7.12 |\n| **Total** | **67.35** | **64.76** |\n\nThe total is **64.76 million EUR**. Rounding each desk first changes it by less than 0.01.",
        "Multiply each desk by 0.9615, then add. 41.20 x 0.9615 = 39.614; 18.75 x 0.9615 = 18.028; 7.40 x 0.9615 = 7.115.",
        complaint="The rate is the one of December 2025. The note is dated 14 November 2026, so the total is off by about 3 %.",
    ),
    Talk(
        "Why does the 99 % VaR jump when one day leaves the window?",
        "Historical VaR at 99 % over 250 days rests on the second and third worst days alone. When one of them leaves the window, the next worst takes its place, "
        "and the figure moves by the whole gap between the two.\n\nThree ways to soften it:\n\n1. **Weight by age**, so that a day fades instead of dropping out.\n"
        "2. **Filter by volatility** and rescale old returns to today's level.\n3. **Fit the tail**, for example with a generalized Pareto distribution.",
    ),
    Talk(
        "Write a SQL query that counts logins per local day for each office.",
        "```sql\nSELECT o.name,\n       date_trunc('day', l.at AT TIME ZONE o.time_zone) AS local_day,\n       count(*) AS logins\nFROM logins AS l\n"
        "JOIN offices AS o ON o.id = l.office_id\nGROUP BY o.name, local_day\nORDER BY o.name, local_day;\n```\n\n"
        "`AT TIME ZONE` turns the stored time into the office's own clock before it is cut to a day, so a login at 23:30 in Singapore counts for that day.",
        complaint="Misses offices that closed during the year, so the totals are wrong.",
    ),
    Talk(
        "Summarize the changes between clause 7 of the old and the new supplier contract.",
        "Clause 7 changed in three points:\n\n- **Notice period**: 90 days instead of 60.\n- **Liability**: capped at the fees of twelve months; it was unlimited for data loss.\n"
        "- **Audit**: once a year with ten days' notice; before, at any time.\n\nThe second point weakens your position and needs a decision.",
        complaint="Invented a clause number that is not in the contract.",
    ),
    Talk(
        "Derive the closed form of the present value of a growing annuity.",
        "Let the first payment be $C$, growth $g$, rate $r > g$, and $n$ payments. Then\n\n$$PV = \\sum_{k=1}^{n} \\frac{C(1+g)^{k-1}}{(1+r)^k} = "
        "\\frac{C}{r-g}\\left[1-\\left(\\frac{1+g}{1+r}\\right)^{n}\\right].$$\n\nThe sum is geometric with the ratio $\\frac{1+g}{1+r}$. For $g = 0$ the plain annuity remains.",
        "Factor out C / (1 + r). The ratio is (1+g)/(1+r), below one. Sum n terms and simplify: 1 + r - 1 - g = r - g.",
    ),
    Talk(
        "Draft a short reply: we can deliver the reconciliation by Thursday, not Tuesday.",
        "Dear Ms Keller,\n\nthank you for your message. We will deliver the reconciliation on Thursday rather than Tuesday, since the custodian's file arrives on Wednesday morning. "
        "If you need figures earlier, we can send a preliminary version on Tuesday evening.\n\nKind regards",
    ),
    Talk(
        "Which of our funds hold more than 5 % in one issuer?",
        "I cannot see your holdings from here. Paste the positions as a table with fund, issuer and market value, and I will add up the issuers and list every fund above 5 %.",
        complaint="It refused although the positions are in the file above.",
    ),
    Talk(
        "Explain the difference between p50 and p95 latency to a manager, in two sentences.",
        "Half of all answers arrive faster than the p50; it is the normal case. One answer in twenty takes longer than the p95; it is what your impatient people remember.",
        complaint="Correct, but I cannot show this to the board. Please without jargon.",
    ),
    Talk(
        "把下面的会议纪要整理成三条行动项。",
        "整理如下：\n\n1. **风险部**：周五前更新对手方限额表，并抄送资金部。\n2. **运营部**：核对十月份的费用差异，差额超过 1 % 的逐笔说明。\n3. **法务部**：下周二之前给出新供应商合同第七条的意见。",
        complaint="第二条的负责部门写错了，应该是资金部。",
    ),
    Talk(
        "用简单的话解释什么是 KV 缓存。",
        "模型每写一个词，都要回看前面所有的词。**KV 缓存**把这些词已经算好的中间结果存起来，写下一个词时直接取用，不必重算。\n\n"
        "好处是速度快；代价是占内存，而且与对话长度成正比：对话越长，缓存越大。",
        "用户要通俗解释。用“回看”和“存起来”的比喻，再说好处和代价。",
    ),
    Talk(
        "写一个 Python 函数，按月汇总交易金额。",
        '```python\nimport pandas as pd\n\ndef monthly_total(trades: pd.DataFrame) -> pd.Series:\n    """trades: 列 date（日期）与 amount（金额）。"""\n'
        '    months = trades["date"].dt.to_period("M")\n    return trades.groupby(months)["amount"].sum()\n```\n\n没有交易的月份不会出现；需要补零时，用 `reindex` 加上完整的月份范围。',
        complaint="没有考虑时区，按月统计不对。",
    ),
    Talk(
        "比较固定利率和浮动利率贷款的优缺点。",
        "| | 固定利率 | 浮动利率 |\n|:--|:--|:--|\n| 现金流 | 稳定，便于预算 | 随市场变化 |\n| 利率下降时 | 不受益 | 受益 |\n| 利率上升时 | 有保护 | 成本增加 |\n"
        "| 提前还款 | 常有违约金 | 通常较灵活 |\n\n期限长、预算紧时选固定；预计利率下行、可承受波动时选浮动。",
    ),
    Talk(
        "这封英文邮件的语气合适吗？请改得更礼貌一些。",
        "原文偏直接。建议改为：\n\n> Could you please send us the updated file by Thursday? If that is too soon, let us know which day suits you.\n\n把命令改成请求，并给对方留出余地。",
    ),
)

COMMENTS_POOR = (
    ("Too long. I asked for something short.", "太长了，我只要两句话。"),
    ("Switches to the other language half-way.", "回答到一半变成了英文。"),
    ("Layout breaks when I paste it into the report.", "粘贴到报告里格式会乱。"),
    ("Not what I asked.", "答非所问。"),
)
COMMENTS_GOOD = (
    ("Very clear, could be used as an example.", "讲得很清楚，可以当作范例。"),
    ("Exactly what I needed.", "正是我需要的。"),
    ("Good that it says what it cannot see.", "能说明自己看不到什么，很好。"),
)
NOTES = (
    "Checked with the person. The source in the prompt was old; told them how to give the date.",
    "Repeated with the newer model: correct. No change needed.",
    "Added to the questions for the next model comparison.",
)
