"""The process that runs one stranger's query: started by `explorer.sandbox`, limited, answers once, ends.

Run by path, so that it imports only what it needs. It reads a JSON request from standard input and writes a line of
JSON, then (where the query succeeded) an Arrow stream. Everything here can be killed at any time.
"""

from __future__ import annotations

import datetime
import json
import os
import resource
import signal
import sys
from pathlib import Path
from typing import Any

ALLOWED_NODES = frozenset({"SELECT_NODE", "SET_OPERATION_NODE", "RECURSIVE_CTE_NODE", "CTE_NODE"})
# Functions that tell about this machine, or that run text which the walk below cannot see.
REFUSED_FUNCTIONS = frozenset({
    "query", "query_table", "current_setting", "getenv", "getvariable", "json_execute_serialized_sql",
    "sleep_ms", "write_log", "duckdb_settings", "duckdb_databases", "duckdb_secrets",
    "duckdb_extensions", "duckdb_logs", "duckdb_logs_parsed", "duckdb_log_contexts",
    "duckdb_temporary_files", "duckdb_external_file_cache", "pragma_database_list", "pragma_platform",
    "pragma_user_agent", "which_secret",
})  # fmt: skip
# What Polars can take over; columns of any other type (intervals, bits, unions, ...) are sent as text. Enums too:
# the slots of their null values may hold any number, which Polars refuses.
PLAIN_TYPES = frozenset({
    "boolean", "tinyint", "smallint", "integer", "bigint", "hugeint", "utinyint", "usmallint",
    "uinteger", "ubigint", "float", "double", "decimal", "varchar", "blob",
})  # fmt: skip
TEMPORAL_TYPES = frozenset({
    "date", "timestamp", "timestamp_s", "timestamp_ms", "timestamp_ns", "timestamp with time zone",
})  # fmt: skip
NESTED_TYPES = frozenset({"list", "struct"})
SETTINGS = {
    "threads": "2",
    "memory_limit": "1GB",
    "python_enable_replacements": "false",
    "autoload_known_extensions": "false",
    "autoinstall_known_extensions": "false",
    "allow_community_extensions": "false",
    "allow_extension_repositories": "forbidden",
    "allow_persistent_secrets": "false",
    "temp_directory": "",
}


class RefusedError(Exception):
    """The statement is not one that a stranger may run."""


def limit_process(seconds: float, address_space: int) -> None:
    """Bounds that hold even when the parent is gone. `address_space` in bytes."""
    resource.setrlimit(resource.RLIMIT_AS, (address_space, address_space))
    resource.setrlimit(resource.RLIMIT_FSIZE, (0, 0))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    cpu = int(2 * seconds) + 1  # two threads
    resource.setrlimit(resource.RLIMIT_CPU, (cpu, cpu))
    signal.alarm(int(seconds) + 2)


def check(connection: Any, sql: str) -> None:
    """Raise `RefusedError` unless `sql` is one statement that only selects.

    The statement's type does not tell: a SELECT may carry COPY or INSERT in a CTE, so its tree is walked.
    """
    statements = connection.extract_statements(sql)
    if len(statements) != 1:
        raise RefusedError(f"give one statement, not {len(statements)}")
    tree = json.loads(connection.execute("select json_serialize_sql(?)", [sql]).fetchall()[0][0])
    if tree["error"]:
        raise RefusedError(
            f"only SELECT statements run here ({tree.get('error_message', 'this one cannot be checked')})"
        )
    pending: list[Any] = [tree]
    while pending:
        node = pending.pop()
        if isinstance(node, list):
            pending.extend(node)
        elif isinstance(node, dict):
            kind = node.get("type")
            if isinstance(kind, str) and kind.endswith("_NODE") and kind not in ALLOWED_NODES:
                raise RefusedError("only SELECT statements run here")
            for field in ("function_name", "table_name"):
                name = node.get(field)
                if isinstance(name, str) and name.lower() in REFUSED_FUNCTIONS:
                    raise RefusedError(f"{name.lower()} is not available here")
            pending.extend(node.values())


def select(connection: Any, sql: str, limit: int = sys.maxsize) -> Any:
    """The rows of one statement as an Arrow table. Columns that Polars or Python could not hold come as text."""
    relation = connection.sql(sql)
    texts = {n for n, kind in enumerate(relation.types) if not is_plain(kind) and kind.id not in TEMPORAL_TYPES}
    table = _with_texts(connection, sql, relation, texts).limit(limit).to_arrow_table()
    late = {
        n for n, kind in enumerate(relation.types) if kind.id in TEMPORAL_TYPES and not _in_calendar(table.column(n))
    }
    if late:
        table = _with_texts(connection, sql, relation, texts | late).limit(limit).to_arrow_table()
    return table


def is_plain(kind: Any) -> bool:
    if kind.id in NESTED_TYPES:
        return all(is_plain(child) for _, child in kind.children)
    return kind.id in PLAIN_TYPES


def _in_calendar(column: Any) -> bool:
    """Whether all dates lie in the years 1 to 9999, which is what Python's dates can hold."""
    import pyarrow as pa
    import pyarrow.compute as pc

    low, high = (datetime.datetime(1, 1, 2), datetime.datetime(9999, 12, 30))
    if pa.types.is_date(column.type):
        column = column.cast(pa.int32())
        bounds = [(bound - datetime.datetime(1970, 1, 1)).days for bound in (low, high)]
    else:
        unit = column.type.unit
        if unit == "ns":
            return True
        per_second = {"s": 1, "ms": 10**3, "us": 10**6}[unit]
        column = column.cast(pa.int64())
        bounds = [int((bound - datetime.datetime(1970, 1, 1)).total_seconds()) * per_second for bound in (low, high)]
    found = pc.min_max(column).as_py()
    return found["min"] is None or (found["min"] >= bounds[0] and found["max"] <= bounds[1])


def _with_texts(connection: Any, sql: str, relation: Any, texts: set[int]) -> Any:
    """The relation with some columns, by number, as text."""
    if not texts:
        return relation
    quoted = [name.replace('"', '""') for name in relation.columns]
    items = ", ".join(f'c{n}{"::varchar" if n in texts else ""} as "{name}"' for n, name in enumerate(quoted))
    names = ", ".join(f"c{n}" for n in range(len(quoted)))
    query = connection.extract_statements(sql)[0].query.strip().rstrip(";")
    return connection.sql(f"select {items} from ({query}\n) as q({names})")


def answer(request: dict[str, Any]) -> tuple[dict[str, Any], Any]:
    """The header and the Arrow table (None where the query failed)."""
    import duckdb

    try:
        connection = duckdb.connect(
            request["catalogue"],
            read_only=True,
            config={**SETTINGS, "max_execution_time": str(int(request["seconds"] * 1000))},
        )
        connection.execute("set enable_progress_bar = false").fetchall()  # it would go to standard output
        connection.execute("set disabled_filesystems = 'LocalFileSystem'").fetchall()
        connection.execute("set lock_configuration = true").fetchall()
    except duckdb.Error:  # its message would name the path
        return {"error": "the catalogue cannot be opened; build again to rewrite it"}, None
    try:
        check(connection, request["sql"])
        table = select(connection, request["sql"], request["limit"] + 1)
    except RefusedError as refused:
        return {"error": str(refused)}, None
    except duckdb.InterruptException:
        return {"error": f"stopped after {request['seconds']:g} seconds; select less, or use the command line"}, None
    except (duckdb.Error, MemoryError) as error:
        return {"error": str(error) or "the query needs more memory than is allowed here"}, None
    except RecursionError:
        return {"error": "the statement is nested too deeply"}, None
    if table.nbytes > request["max_bytes"]:
        return {
            "error": f"the result is too large to show ({table.nbytes >> 20} MiB); select fewer columns or rows"
        }, None
    return {"error": None}, table


def main() -> None:
    request = json.loads(sys.stdin.buffer.read())
    # by its name alone, so that no message and no catalogue function holds the path of this machine
    os.chdir(Path(request["catalogue"]).parent)
    request["catalogue"] = Path(request["catalogue"]).name
    limit_process(request["seconds"], request["address_space"])
    header, table = answer(request)
    out = sys.stdout.buffer
    out.write(json.dumps(header).encode() + b"\n")
    if table is not None:
        import pyarrow as pa

        with pa.ipc.new_stream(out, table.schema) as stream:
            stream.write_table(table)
    out.flush()
    # an engine that still works in the background must not delay the answer's end
    os._exit(0)


if __name__ == "__main__":
    main()
