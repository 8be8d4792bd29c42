"""What no single reading sees: values of the wrong kind, ids that come twice, gold without rows.

Errors are BadInputs that name the file and the row. It opens nothing.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence

from xstilts.paths import BadInput
from xstilts.readings import Rows
from xstilts.tasks import Task


def guarded(reading: Callable, *rows: Rows) -> Iterator[dict]:
    """What `reading` makes of `rows`; a value that it cannot take is told with its row."""
    try:
        yield from reading(*rows)
    except (TypeError, AttributeError, LookupError, ValueError) as error:
        where = f"{rows[0].where}, row {rows[0].at}"
        raise BadInput(f"{where}: no {rows[0].task.form} row: {error}") from error


def consistent(task: Task, split: str, rows: Sequence[Mapping], where: str) -> None:
    """Refuse ids that come twice, by which results are paired, and gold that nothing answers to."""
    if split == "train":
        return
    seen: set = set()
    for number, row in enumerate(rows, start=1):
        own = row.get("side"), row["id"]
        if own in seen:
            raise BadInput(f"{where}: the id '{row['id']}' comes twice, again in row {number}")
        seen.add(own)
    gold = {one for row in rows for one in row.get("gold", ())}
    candidates = {row["id"] for row in rows if row.get("side") == "candidate"}
    if gold and candidates and not gold & candidates and not task.shape:
        raise BadInput(f"{where}: no 'gold', such as '{min(gold)}', is the id of a candidate")
