"""`stats` and `explain`."""

from __future__ import annotations

from tests.cli.running import Run, run, run_terminal


def test_stats(cities: Run, url: str) -> None:
    found = run("stats")
    assert (found.code, found.err) == (0, "")
    [figures] = found.rows
    assert figures["engine"] == url.partition(":")[0]
    assert figures["latency_ms"] > 0
    assert figures["documents"] == figures["models"]["city"]["documents"] == 3
    assert figures["bytes"] > 0
    assert figures["details"]
    assert '"documents": 3' in run_terminal("stats").out


def test_explain(cities: Run, url: str) -> None:
    [plan] = run("explain", "city", "-w", '{"people": {"$gt": 1}}', "-s", "name").rows
    assert plan["engine"] == url.partition(":")[0]
    assert (plan["access"], plan["sort"], plan["indexes"]) == ("scan", "memory", [])
    assert "native" not in plan
    [plan] = run("explain", "city", "-w", '{"id": "oslo"}', "--native").rows
    assert plan["access"] == "ids"
    assert "native" in plan
    shown = run_terminal("explain", "city", "-s", "-people", "-n", "1").out
    assert "looks at every document, then sorts them\n  " in shown


def test_explain_refuses(cities: Run) -> None:
    found = run("explain", "citty")
    assert found.code == 1
    assert "did you mean 'city'?" in found.err
    assert run("explain", "city", "-w", "{").code != 0
