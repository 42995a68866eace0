"""Documents of a made-up company, and questions whose passages are known."""

from pathlib import Path

_FOLDER = Path(__file__).parent
QUESTIONS = _FOLDER / "questions.json"
DOCUMENTS = sorted(path for path in _FOLDER.iterdir() if path.suffix in (".md", ".txt"))
