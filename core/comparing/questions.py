"""Define the built-in questions of comparisons: everyday work in English and Chinese, each with an accepted answer."""

from __future__ import annotations

from core.comparing.records import ComparedQuestion

_PAIRS = (
    (
        "Explain in two sentences what a balance sheet shows.",
        "A balance sheet shows what a company owns and what it owes on one day. The difference between the two is the owners' equity.",
    ),
    (
        "Rewrite politely: Send me the report today.",
        "Could you please send me the report by the end of today? Thank you very much for your help.",
    ),
    (
        "What is 15 percent of 240? Show the calculation.",
        "To find 15 percent of 240, multiply 240 by 0.15. The result is 36.",
    ),
    (
        "Write a Python function that returns the largest number of a list.",
        "```python\ndef largest(numbers):\n    result = numbers[0]\n    for number in numbers:\n        if number > result:\n"
        "            result = number\n    return result\n```",
    ),
    (
        "Name three risks of moving data to the cloud.",
        "Three common risks are unauthorized access to confidential data, dependence on one provider, and outages that stop daily work.",
    ),
    (
        "Summarize: The meeting was moved from Monday to Wednesday because two speakers are ill.",
        "The meeting now takes place on Wednesday, since two speakers are ill.",
    ),
    (
        "What is the difference between a median and a mean?",
        "The mean is the sum of all values divided by their number. The median is the middle value, so a few very large values hardly "
        "change it.",
    ),
    (
        "Give a JSON object with the name and the age of a person.",
        '```json\n{"name": "Anna Schmidt", "age": 42}\n```',
    ),
    ("用一句话说明什么是数据库。", "数据库是按照一定结构存储数据、并能快速查询和更新数据的系统。"),
    ("把这句话翻译成英文：请在周五之前提交合同。", "Please submit the contract by Friday."),
    (
        "写一封简短的邮件，感谢客户参加会议。",
        "尊敬的客户：感谢您抽出时间参加今天的会议。您的意见对我们非常重要，期待与您继续合作。此致敬礼！",
    ),
    ("列出三个节约用电的方法。", "第一，离开房间时关灯。第二，使用节能的电器。第三，不用的设备要拔掉电源。"),
    ("小明有12个苹果，给了小红5个，还剩几个？", "小明原来有12个苹果，给了小红5个，12减5等于7，所以还剩7个苹果。"),
    ("什么是通货膨胀？", "通货膨胀是指物价在一段时间内普遍而持续地上涨，货币的购买力因此下降。"),
    ("总结：由于天气原因，原定周二的航班改到周四上午。", "因天气原因，周二的航班改到周四上午。"),
    ("用一句话解释什么是机器学习。", "机器学习是让计算机从数据中找出规律，并用这些规律来预测或做出决定的方法。"),
)
BUILT_IN = tuple(ComparedQuestion(question, answer) for question, answer in _PAIRS)
