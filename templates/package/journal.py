"""Read, export and merge the journals of `run_many`.

>>> from oxen_models import journal
>>> for entry in journal.read("edits.db"):
...     print(entry.key, entry.state, entry.job_id, entry.cost)
"""

from oxen_models._runtime.journal import Entry, State, export, merge, read

__all__ = ["Entry", "State", "export", "merge", "read"]
