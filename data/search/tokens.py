"""Name the filters of a search as tokens, which the embedded indexes search like words."""

from __future__ import annotations

from hashlib import blake2b

from core.search.records import UNRATED


def token(kind: str, owner_id: str | None = None) -> str:
    """Return the token of a kind, or of a person's documents of a kind. A search for one owner then reads only that owner's postings."""
    return f"k{kind}" if owner_id is None else f"o{kind}x{owner_id.encode().hex()}"


def scope(kind: str, owner_id: str, folder_id: str, has_file: bool, model: str = "", rating: int | None = None) -> str:
    """Return the tokens by which filters find a document."""
    filters = [model_token(model)] if model else []
    # Only answers have a model, and only answers can be rated.
    filters += [rating_token(rating or UNRATED)] if rating or model else []
    filters += [folder_token(folder_id)] if folder_id else []
    filters += [file_token(kind), file_token(kind, owner_id)] if has_file else []
    return " ".join([token(kind), token(kind, owner_id), *filters])


def model_token(model: str) -> str:
    return "m" + _digits(model)


# PostgreSQL keeps tokens among the words of the texts: the sign distinguishes these two from anything that people write. SQLite has a
# column for tokens, and drops the sign.
def folder_token(folder_id: str) -> str:
    return "+f" + _digits(folder_id)


def file_token(kind: str, owner_id: str | None = None) -> str:
    """Return the token of documents with files: everyone's, or one person's."""
    return "+file" + token(kind, owner_id)


def rating_token(rating: int) -> str:
    """Return the token of a rating: -1, 1, or UNRATED for an answer without one."""
    return f"r{'none' if rating == UNRATED else 'poor' if rating < 0 else 'good'}1"


def _digits(name: str) -> str:
    """Encode a name as digits, which no stemmer shortens."""
    return str(int.from_bytes(blake2b(name.encode("utf-8", "surrogatepass"), digest_size=8).digest(), "big"))
