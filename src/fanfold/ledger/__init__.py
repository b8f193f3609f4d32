"""Finished folds, remembered: see `fanfold.ledger.ledger` for what lies where."""

from fanfold.ledger.ledger import Ledger, Place, remembering
from fanfold.ledger.records import Ground, Remembered, SearchRecord

__all__ = ["Ground", "Ledger", "Place", "Remembered", "SearchRecord", "remembering"]
