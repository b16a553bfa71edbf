"""The kit has teeth: it finds what is wrong with each of the databases in `broken`."""

from __future__ import annotations

import subprocess
import sys
from collections import defaultdict
from pathlib import Path
from xml.etree import ElementTree as ET

import pytest

BROKEN = Path(__file__).with_name("broken.py")

# What has to fail, in which class.
NOTICED = {
    "SwallowsDuplicates": "test_create_refuses_an_id_that_exists",
    "FoldsIds": "test_odd_ids",
    "KeepsVersion": "test_writes_raise_the_version_and_keep_the_creation",
    "TruncatesTimes": "test_every_read_gives_the_same_envelope",
    "IgnoresIfVersion": "test_one_of_equal_versions_wins",
    "LosesIncrements": "test_no_increment_is_lost",
    "RemovesNulls": "test_every_change",
    "WritesInPart": "test_every_misfit",
    "ReadsFloats": "test_odd_values",
    "SharesDocuments": "test_reads_are_not_shared",
    "AcceptsLongDocuments": "test_a_document_that_is_too_long",
    "EntersArrays": "test_the_truth_table",
    "ForgetsNulls": "test_the_truth_table",
    "ConfusesTrueWithOne": "test_every_condition",
    "SortsBooleansFirst": "test_values_of_every_type",
    "SortsWithoutCase": "test_values_of_every_type",
    "SortsByUTF16": "test_values_of_every_type",
    "RepeatsAPage": "test_pages_to_exhaustion",
    "CountsPages": "test_many_documents",
    "ReportsAllCreated": "test_create_many_reports_each",
    "DeclaresTooMuch": "test_stats",
    "ForgetsCase": "test_names_that_differ_in_case_only",
    "ScanSkipsLast": "test_a_scan_gives_each_document_once",
    "SumsTexts": "test_one_row_about_all",
    "RandomEntersArrays": "test_filters",
    "RandomForgetsNulls": "test_filters",
    "RandomSortsWithoutCase": "test_sorts_and_fields",
    "RandomRemovesNulls": "test_changes",
    "RandomIgnoresIfVersion": "test_programs",
    "RandomSwallowsDuplicates": "test_programs",
    "RandomKeepsVersion": "test_programs",
}
# With these nothing is wrong: they pass all tests of their suites.
SOUND = ("Sound", "Native", "RandomNative")

Failures = dict[str, dict[str, str]]
"""The message of each test that failed, by class and name."""


@pytest.fixture(scope="module")
def failures(tmp_path_factory: pytest.TempPathFactory) -> Failures:
    """What a run of `broken` reports."""
    report = tmp_path_factory.mktemp("teeth") / "report.xml"
    tests = [f"{BROKEN}::Test{kind}::{name}" for kind, name in NOTICED.items()]
    tests += [f"{BROKEN}::Test{kind}" for kind in SOUND]
    run = subprocess.run(
        [sys.executable, "-m", "pytest", *tests, "-q", "-n0", "-p", "no:cacheprovider",
         "--tb=line", f"--junitxml={report}"],
        capture_output=True,
        text=True,
        timeout=600,
        check=False,
    )  # fmt: skip
    assert run.returncode == 1, run.stdout + run.stderr
    found: Failures = defaultdict(dict)
    for case in ET.parse(report).iter("testcase"):
        kind = case.attrib["classname"].rpartition(".Test")[2]
        assert case.find("error") is None, f"{kind}.{case.attrib['name']} could not be set up"
        found[kind]  # so that a class without failures is known, too
        failure = case.find("failure")
        if failure is not None:
            found[kind][case.attrib["name"]] = failure.attrib["message"]
    return found


@pytest.mark.timeout(600)
def test_what_is_sound_passes(failures: Failures) -> None:
    assert {kind: failures[kind] for kind in SOUND} == {kind: {} for kind in SOUND}


@pytest.mark.parametrize("broken", NOTICED)
def test_what_is_broken_is_noticed(failures: Failures, broken: str) -> None:
    assert NOTICED[broken] in failures[broken]


@pytest.mark.parametrize(
    ("broken", "said"),
    [
        ("EntersArrays", "finds wrongly"),
        ("ForgetsNulls", "misses"),
        ("SwallowsDuplicates", "was accepted, must raise DuplicateError"),
        ("LosesIncrements", "increments are lost"),
        ("SharesDocuments", "is shared with"),
        ("IgnoresIfVersion", "writers with if_version=1 have won"),
        ("WritesInPart", "was written in part"),
        ("SortsByUTF16", "must be"),
    ],
)
def test_the_message_helps(failures: Failures, broken: str, said: str) -> None:
    assert said in failures[broken][NOTICED[broken]]
