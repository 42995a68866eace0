"""Train the built-in guide: a small GLM (4.7 million parameters) that answers questions about the portal in English and Chinese.

Nothing here is imported at run time: the portal only loads `models/guide/guide.gguf`. Run this after the texts have changed. PyTorch is no
dependency of the portal, so anyone who trains installs it by hand, into a separate environment:

    python3 -m venv /tmp/guide-venv
    /tmp/guide-venv/bin/pip install torch tokenizers gguf numpy
    /tmp/guide-venv/bin/python -m models.guide.training.train --folder /tmp/guide --minutes 45
    /tmp/guide-venv/bin/python -m models.guide.training.guide_file --folder /tmp/guide --out /tmp/guide/guide-f32.gguf
    $PORTAL_HOME/venv/bin/python -m models.guide.training.quantize /tmp/guide/guide-f32.gguf models/guide/guide.gguf

`train` makes the tokenizer and the weights, and prints every few minutes how many questions are answered right, word for word. With
`--begin-with models/guide/guide.gguf` it continues from the guide that is there, which is enough after small changes. `guide_file` writes
GGUF with 32-bit numbers. `quantize` turns that into Q8_0 (5 MB) with the portal's own llama.cpp. `measure` asks the file what
`lists/first_day.txt` holds, which is never trained on; take a new file only if it answers more of that in both languages:

    $PORTAL_HOME/venv/bin/python -m models.guide.training.measure /tmp/guide/guide.gguf

- texts: what the guide answers, and how people ask; `texts/` holds the data
- wording: vary how a question is worded
- questions: draw questions with their answers
- examples: make chats of them, most of the topics that are not known yet
- tokenizer: byte pair encoding with GLM-4's pattern and special tokens
- network: the architecture of GLM-4-0414
- guide_file: write and read a guide as GGUF
- train: learn the tokenizer and the weights
- quantize: make the file small
- measure: ask a guide what people ask on their first day
"""
