"""The results of a benchmark run as tables: for a terminal, and in Markdown for the README."""

from __future__ import annotations

from typing import Any

Table = tuple[list[str], list[list[str]]]


def tables(report: dict[str, Any]) -> list[Table]:
    """One table of rates, one of everything else; whichever has rows."""
    rates = [entry for entry in report["results"] if "peers" in entry]
    others = [entry for entry in report["results"] if "peers" not in entry]
    return [table for table in (rate_table(rates), figure_table(others)) if table[1]]


def rate_table(entries: list[dict[str, Any]]) -> Table:
    """Millions of rows per second of each engine."""
    header = ["query", "Playhead, streaming", "DuckDB, batch", "polars, batch", "to the faster", "asked"]
    header += ["decode only", "streamz", "peak MiB"]
    rows = []
    for entry in entries:
        ratio, required, goal = entry["ratio_to_best"], entry["required_ratio"], entry["goal_ratio"]
        asked = f"{required} x" + (f", goal {goal} x" if goal != required else "")
        rows.append(
            [
                entry["name"],
                millions(entry["playhead_rows_per_s"]),
                millions(entry["peers"]["duckdb"]),
                millions(entry["peers"]["polars"]),
                f"{ratio:.2f} x" if ratio else "-",
                asked + shortfall(entry),
                millions(entry["decode_only_rows_per_s"]),
                millions(entry["streamz_rows_per_s"]),
                f"{entry['peak_rss_mib']:.0f}" if entry["peak_rss_mib"] else "-",
            ]
        )
    return header, rows


def figure_table(entries: list[dict[str, Any]]) -> Table:
    """Each remaining benchmark with its figures in words."""
    rows = []
    for entry in entries:
        words = [f"{label.replace('_', ' ')} {number(value)}" for label, value in entry.get("figures", {}).items()]
        rows.append([entry["name"], ", ".join(words) or "-", entry.get("asked", "-") + shortfall(entry)])
    return ["benchmark", "figures", "asked"], rows


def millions(rate: float | None) -> str:
    return f"{rate / 1e6:.2f} M/s" if rate else "-"


def number(value: float) -> str:
    return f"{value:,}"


def errors(report: dict[str, Any]) -> list[str]:
    """What did not run or answered wrongly, if anything."""
    return [f"{entry['name']}: {entry['error']}" for entry in report["results"] if "error" in entry]


def shortfall(entry: dict[str, Any]) -> str:
    return "" if entry.get("met", True) else " (not met)"


def text(report: dict[str, Any]) -> str:
    """Aligned columns."""
    blocks = [machine_line(report["machine"])]
    for header, rows in tables(report):
        widths = [max(len(cell) for cell in column) for column in zip(header, *rows, strict=True)]
        padded = ([cell.ljust(width) for cell, width in zip(row, widths, strict=True)] for row in [header, *rows])
        blocks.append("\n".join("  ".join(cells).rstrip() for cells in padded))
    return "\n\n".join([*blocks, *errors(report)])


def markdown(report: dict[str, Any]) -> str:
    """The same as Markdown tables, below the machine and the command that made them."""
    blocks = [f"`{report['command']}` on {machine_line(report['machine'])}"]
    for header, rows in tables(report):
        lines = [header, ["---"] * len(header), *rows]
        blocks.append("\n".join("| " + " | ".join(line) + " |" for line in lines))
    return "\n\n".join([*blocks, *errors(report)])


def machine_line(machine: dict[str, Any]) -> str:
    packages = [f"{name} {version}" for name, version in machine["packages"].items() if version]
    return (
        f"{machine['cpu']}, {machine['cores']} cores, {machine['memory_gib']} GiB, {machine['system']}, "
        f"Python {machine['python']}, {', '.join(packages)}"
    )
