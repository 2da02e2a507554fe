"""The photo store, and the part files of unfinished uploads."""

import hashlib
import os
import stat
import threading
import time
from io import BytesIO

import pytest

from media import partial
from media.errors import NoSuchObject, OffsetConflict, StorageFull, UploadLocked
from media.partial import Partial
from media.storage import LocalStorage, WholeFile, copy_key, digest, original_key


class MemoryStorage:
    """The weakest store there is: it shows what the port may promise."""

    def __init__(self):
        self.objects = {}

    def put(self, key, chunks):
        data = b"".join(chunks)
        self.objects[key] = data
        return hashlib.sha256(data).hexdigest()

    def open(self, key):
        if key not in self.objects:
            raise NoSuchObject(f"no object {key!r}")
        return BytesIO(self.objects[key])


@pytest.fixture(params=["memory", "local"])
def store(request, tmp_path):
    return MemoryStorage() if request.param == "memory" else LocalStorage(tmp_path / "store")


def test_what_is_put_is_what_is_opened(store):
    assert store.put("original/ab/abc", [b"one", b"", b"two"]) == hashlib.sha256(b"onetwo").hexdigest()
    with store.open("original/ab/abc") as file:
        assert file.read() == b"onetwo"


def test_putting_again_is_harmless_and_the_newer_bytes_count(store):
    store.put("k", [b"one"])
    store.put("k", [b"two"])
    with store.open("k") as file:
        assert file.read() == b"two"


def test_an_object_that_is_not_there_is_said_so(store):
    with pytest.raises(NoSuchObject):
        store.open("nothing")


def test_a_put_that_breaks_leaves_nothing(store):
    def breaking():
        yield b"one"
        raise OSError("the source went away")

    with pytest.raises(OSError, match="went away"):
        store.put("k/half", breaking())
    with pytest.raises(NoSuchObject):
        store.open("k/half")


@pytest.mark.parametrize("key", ["../outside", "a/../../outside", "/etc/passwd", "", ".", "a\0b", "a/.."])
def test_keys_are_jailed(tmp_path, key):
    store = LocalStorage(tmp_path / "store")
    (tmp_path / "outside").write_text("secret")
    with pytest.raises(NoSuchObject):
        store.open(key)
    with pytest.raises(NoSuchObject):
        store.put(key, [b"x"])
    assert (tmp_path / "outside").read_text() == "secret"


def test_a_link_inside_the_store_does_not_lead_out(tmp_path):
    store = LocalStorage(tmp_path / "store")
    store.put("a/b", [b"x"])
    (tmp_path / "secret").write_text("secret")
    (tmp_path / "store" / "way_out").symlink_to(tmp_path)
    with pytest.raises(NoSuchObject):
        store.open("way_out/secret")


def test_no_temporary_file_stays(tmp_path):
    store = LocalStorage(tmp_path / "store")
    store.put("a/b", [b"x" * 10])
    assert [p.name for p in (tmp_path / "store" / "a").iterdir()] == ["b"]


def whole(path, data):
    path.write_bytes(data)
    return WholeFile(path, hashlib.sha256(data).digest())


def test_a_whole_file_is_linked_not_copied(tmp_path):
    store = LocalStorage(tmp_path / "store")
    file = whole(tmp_path / "part", b"photo")
    assert store.put("original/x", file) == hashlib.sha256(b"photo").hexdigest()
    assert (tmp_path / "store/original/x").stat().st_ino == (tmp_path / "part").stat().st_ino


def test_the_same_file_sent_again_is_one_object_and_looks_fresh_to_the_janitor(tmp_path):
    store = LocalStorage(tmp_path / "store")
    store.put("original/x", whole(tmp_path / "one", b"photo"))
    stored = tmp_path / "store/original/x"
    os.utime(stored, (0, 0))
    store.put("original/x", whole(tmp_path / "two", b"photo"))
    assert stored.stat().st_ino == (tmp_path / "one").stat().st_ino
    assert time.time() - stored.stat().st_mtime < 60


def test_rotten_bytes_are_replaced_by_good_ones_sent_again(tmp_path):
    store = LocalStorage(tmp_path / "store")
    store.put("original/x", [b"rotten"])
    store.put("original/x", whole(tmp_path / "good", b"photo"))
    assert (tmp_path / "store/original/x").read_bytes() == b"photo"


def test_keys_come_from_the_digest_alone():
    sha = hashlib.sha256(b"x").digest()
    assert original_key(sha) == f"original/{sha.hex()[:2]}/{sha.hex()}"
    assert copy_key(sha, 320) == f"copy/{sha.hex()[:2]}/{sha.hex()}-320.jpg"


def test_folders_are_not_open_to_everybody(tmp_path):
    store = LocalStorage(tmp_path / "store")
    store.put("a/b", [b"x"])
    assert not stat.S_IMODE((tmp_path / "store" / "a").stat().st_mode) & 0o007


# --- part files


def test_bytes_are_appended_from_the_offset(tmp_path):
    part = Partial(tmp_path / "up", "key")
    with part.writer(0) as writer:
        writer.write(b"hello ")
        assert writer.sync() == 6
    with part.writer(6) as writer:
        writer.write(b"world")
    assert part.path.read_bytes() == b"hello world" and part.length() == 11


def test_what_lies_beyond_the_offset_is_dropped(tmp_path):
    part = Partial(tmp_path, "key")
    with part.writer(0) as writer:
        writer.write(b"unsynced tail")
    with part.writer(8) as writer:
        writer.write(b"!")
    assert part.path.read_bytes() == b"unsynced!"


def test_an_offset_beyond_the_file_is_refused_and_changes_nothing(tmp_path):
    part = Partial(tmp_path, "key")
    with part.writer(0) as writer:
        writer.write(b"abc")
    with pytest.raises(OffsetConflict) as refused:
        part.writer(5)
    assert refused.value.facts == {"offset": 3} and part.path.read_bytes() == b"abc"


def test_a_second_writer_is_refused_while_the_first_writes(tmp_path):
    part = Partial(tmp_path, "key")
    with part.writer(0) as first:
        first.write(b"abc")
        with pytest.raises(UploadLocked):
            part.writer(3)
    part.writer(3).close()


def test_a_writer_gone_silent_is_replaced_and_can_write_no_more(tmp_path, monkeypatch):
    monkeypatch.setattr(partial, "QUIET_S", 0.05)
    part = Partial(tmp_path, "key")
    old = part.writer(0)
    old.write(b"abc")
    time.sleep(0.1)
    with part.writer(3) as new:
        new.write(b"DEF")
        for late in (lambda: old.write(b"xyz"), old.sync, lambda: old.cut(0)):
            with pytest.raises(UploadLocked):
                late()
        old.close()
        new.write(b"GHI")
    assert part.path.read_bytes() == b"abcDEFGHI"


def test_a_lock_from_the_future_does_not_last_for_ever(tmp_path):
    part = Partial(tmp_path, "key")
    part.writer(0)  # never closed, as after a kill
    os.utime(tmp_path / "key.lock", (time.time() + 3600, time.time() + 3600))
    part.writer(0).close()


def test_many_writers_at_once_never_mix_their_bytes(tmp_path, monkeypatch):
    monkeypatch.setattr(partial, "QUIET_S", 0.001)
    part = Partial(tmp_path, "key")
    block, lost, stop = 4096, [], time.monotonic() + 1.0

    def write(letter: bytes):
        while time.monotonic() < stop:
            try:
                with part.writer(0) as writer:
                    for _ in range(20):
                        writer.write(letter * block)
                        time.sleep(0.0005)
            except (UploadLocked, OffsetConflict):
                lost.append(letter)

    threads = [threading.Thread(target=write, args=(letter,)) for letter in (b"a", b"b", b"c")]
    [t.start() for t in threads]
    [t.join() for t in threads]
    # Whoever wrote last wrote alone from the start of the file: one letter only.
    assert len(set(part.path.read_bytes())) == 1 and lost


def test_a_full_volume_is_said_and_what_fitted_is_kept(tmp_path, monkeypatch):
    part = Partial(tmp_path, "key")
    with part.writer(0) as writer:
        writer.write(b"abc")

        def full(*_):
            raise OSError(28, "No space left on device")

        monkeypatch.setattr(os, "pwrite", full)
        with pytest.raises(StorageFull):
            writer.write(b"def")
        monkeypatch.undo()
        assert writer.sync() == 3
    assert part.path.read_bytes() == b"abc"


def test_removing_is_harmless_twice(tmp_path):
    part = Partial(tmp_path, "key")
    part.writer(0).close()
    part.remove()
    part.remove()
    assert list(tmp_path.iterdir()) == [] and part.length() == 0


def test_the_digest_of_a_file_is_its_sha256(tmp_path):
    (tmp_path / "f").write_bytes(b"x" * 3_000_000)
    assert digest(tmp_path / "f") == hashlib.sha256(b"x" * 3_000_000).digest()
