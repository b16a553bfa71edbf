"""Documents and their blobs, when processes are killed in between, and when there are many."""

from __future__ import annotations

import json
import random
import signal
import subprocess
import sys
import textwrap
from datetime import timedelta
from pathlib import Path

import pytest

from interstore import BlobRef, StoreWithBlobs, connect, open_blobs
from interstore.blobs.reference import references

WRITER = textwrap.dedent("""
    import itertools, sys
    from interstore import connect, open_blobs

    folder, start = sys.argv[1], int(sys.argv[2])
    blobs = open_blobs("local:", path=folder + "/blobs", durability="os")
    store = connect(type="json", data_dir=folder + "/data", durability="os")
    with store.with_blobs(blobs) as store:
        print("ready", flush=True)
        for number in itertools.count(start):
            id = str(number % 3)
            store.put("users", {"id": id, "n": number})
            store.attach("users", id, "photo", b"%d" % number)
            store.attach("users", id, "photo", b"again %d" % number)
            store.attach("users", id, "same", b"%d" % (number % 2), deduplicate=True)
            store.attach("users", id, "files", b"%d" % number, append=True)
            print(number, flush=True)
            if number % 4 == 0:
                store.detach("users", id, "photo")
            if number % 5 == 0:
                store.delete("users", id)
""")


def test_a_process_that_is_killed_leaves_orphans_at_most(tmp_path: Path) -> None:
    done = 0
    for _ in range(3):
        child = subprocess.Popen(
            [sys.executable, "-c", WRITER, str(tmp_path), str(done + 1)],
            stdout=subprocess.PIPE,
            text=True,
        )
        assert child.stdout is not None
        last = done + random.randrange(3, 15)
        for line in child.stdout:
            done = done if line == "ready\n" else int(line)
            if done >= last:
                break
        child.send_signal(signal.SIGKILL)
        child.wait()
        child.stdout.close()
        with (
            open_blobs("local:", path=str(tmp_path / "blobs")) as blobs,
            connect(type="json", data_dir=str(tmp_path / "data")).with_blobs(blobs) as store,
        ):
            check_all(store)


def check_all(store: StoreWithBlobs) -> None:
    """No document refers to nothing; what is left over is found, and can be removed."""
    kinds = {one.kind for one in store.check_blobs(verify=True, older_than=timedelta(0))}
    assert kinds <= {"orphan"}
    list(store.check_blobs(delete_orphans=True, older_than=timedelta(0)))
    # Shared ones stay for two hours, because they may be attached at any moment.
    assert list(store.check_blobs(verify=True, older_than=timedelta(0))) == []
    for document in store.find("users"):
        for _, ref in references(document):
            with store.open(ref) as file:
                file.read()


MEMORY = textwrap.dedent("""
    import json, resource, sys
    from datetime import timedelta
    from interstore import BlobRef, connect, open_blobs

    def peak():
        return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024

    number = int(sys.argv[2])
    ref = BlobRef(store="default", key="", size=1, sha256="0" * 64, content_type="")
    def documents():
        for n in range(number // 10):
            files = [
                {**ref, "key": f"attachments/a/{n * 7919 % number:09}{i}"} for i in range(10)
            ]
            yield {"files": files}

    blobs = open_blobs("memory:")
    store = connect(type="sqlite", path=sys.argv[1] + "/a.db", durability="os")
    with store.with_blobs(blobs) as store:
        store.create_many("a", documents())
        blobs.put("attachments/a/0000000000", b"1")
        before = peak()
        checking = store.check_blobs(models=["a"])
        found = sum(1 for each in checking)
        print(json.dumps([checking.references, found, peak() - before]))
""")


@pytest.mark.long
def test_many_references_take_no_memory(tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-c", MEMORY, str(tmp_path), "300000"],
        capture_output=True,
        text=True,
        check=True,
    )
    references_, found, grown = json.loads(done.stdout)
    assert references_ == 300_000
    assert found == 299_999
    assert grown < 60, f"{grown} MB"


def test_a_reference_is_a_mapping() -> None:
    ref = BlobRef(store="a", key="b", size=1, sha256="0" * 64, content_type="text/plain")
    plain = dict(ref)
    assert ref == plain
    assert BlobRef.of(plain) == ref
    assert hash(BlobRef.of(plain)) == hash(ref)
    assert json.loads(json.dumps(plain)) == ref
    assert ref != {**plain, "more": 1}
    assert list(references({"a": [{"b": plain}, plain], "c": 1})) == [
        (("a", 0, "b"), ref),
        (("a", 1), ref),
    ]
    for wrong in ({**plain, "size": True}, {**plain, "size": -1}, {**plain, "sha256": "x"}):
        assert list(references([wrong])) == []
