"""Backups of what cannot be made again: the store, the text index beside it, and the ledger of usage."""

from jarvis.backup.manifest import BackupFailed, BackupRefused
from jarvis.backup.places import Places
from jarvis.backup.restore import plan, restore
from jarvis.backup.take import take

__all__ = ["BackupFailed", "BackupRefused", "Places", "plan", "restore", "take"]
