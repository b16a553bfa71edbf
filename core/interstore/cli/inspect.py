"""`interstore stats` and `explain`."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

import click

from interstore.cli.output import is_terminal, print_json, safe
from interstore.cli.read import sort_option
from interstore.cli.store import check_model_exists, open_store, url_option, where_option

__all__ = ["explain", "stats"]


@click.command()
@url_option
def stats(url: str | None) -> None:
    """Show figures about the store: documents, bytes, indexes, connections, versions.

    Every document is counted, which takes some time where there are many. The latency is that
    of one empty question, in milliseconds.
    """
    with open_store(url) as store:
        latency = store.ping()
        figures = store.stats()
    totals = {"documents": figures.documents, "indexes": figures.indexes}
    print_json({"latency_ms": round(latency * 1000, 3), **totals, **asdict(figures)})


@click.command()
@click.argument("model")
@url_option
@where_option
@sort_option
@click.option("-n", "--limit", type=click.IntRange(min=0), help="At most so many.")
@click.option("--native", "whole", is_flag=True, help="Also the plan as the engine gives it.")
def explain(
    model: str,
    url: str | None,
    where: dict[str, Any] | None,
    sort: list[str] | None,
    limit: int | None,
    whole: bool,
) -> None:
    """Show how MODEL would be searched: by which index, or by looking at every document.

    Nothing is searched. The limit matters: the first few may be found in another way than all.
    """
    with open_store(url) as store:
        check_model_exists(store, model)
        plan = store.explain(model, where, sort=sort, limit=limit)
    if is_terminal() and not whole:
        click.echo(safe("\n".join([str(plan), *(f"  {step}" for step in plan.steps)])))
        return
    shown = asdict(plan)
    if not whole:
        del shown["native"]
    print_json(shown)
