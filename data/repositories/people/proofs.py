"""Store proofs of identity until they are used."""

from __future__ import annotations

from dataclasses import asdict
from datetime import datetime

from sqlalchemy import delete, func, insert, select, update

from core.people.records import ProofPurpose, StoredProof
from data.tables import ProofTable
from data.transaction import Transaction

_T = ProofTable.__table__.c
_COLUMNS = (_T.token_hash, _T.purpose, _T.user_id, _T.mark, _T.second_factor, _T.outside_session, _T.expires_at)


class SqlProofRepository:
    def __init__(self, transaction: Transaction) -> None:
        self._sql = transaction

    def add(self, proof: StoredProof) -> None:
        self._sql.write(insert(ProofTable).values(**asdict(proof), used=False))

    def get(self, token_hash: str, purpose: ProofPurpose, now: datetime) -> StoredProof | None:
        row = self._sql.first(select(*_COLUMNS).where(_T.token_hash == token_hash, _T.purpose == purpose, _T.expires_at > now))
        return None if row is None else StoredProof(**row._mapping)

    def use(self, token_hash: str, purpose: ProofPurpose, now: datetime) -> StoredProof | None:
        unused = (_T.token_hash == token_hash, _T.purpose == purpose, _T.expires_at > now, _T.used.is_(False))
        row = self._sql.write(update(ProofTable).where(*unused).values(used=True).returning(*_COLUMNS)).first()
        return None if row is None else StoredProof(**row._mapping)

    def give_back(self, token_hash: str) -> None:
        self._sql.write(update(ProofTable).where(_T.token_hash == token_hash).values(used=False))

    def count(self, purpose: ProofPurpose, now: datetime) -> int:
        usable = (_T.purpose == purpose, _T.expires_at > now, _T.used.is_(False))
        return int(self._sql.scalar(select(func.count()).select_from(ProofTable).where(*usable)))

    def remove_expired(self, now: datetime) -> None:
        self._sql.write(delete(ProofTable).where(_T.expires_at <= now))
