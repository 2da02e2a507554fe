"""The evidence pack: whole, checkable without us, and every change to it is found."""

import json
import random
import subprocess
import sys
import zipfile

import pytest
from sqlalchemy import select, text

from core.models import AuditEntry
from media import pack, verifier
from staff.models import Surveyor
from tests import factories, pictures
from tests.uploading import Tus


@pytest.fixture
def job(session):
    return factories.assignment(session)


@pytest.fixture
def claim_id(session, job):
    found = session.execute(
        text("SELECT claim_id FROM task WHERE id = :id"), {"id": job.task_id}
    ).scalar_one()
    session.commit()
    return found


@pytest.fixture
def photos(session, job, as_device):
    tus = Tus(as_device(session.get_one(Surveyor, job.surveyor_id)))
    session.commit()
    sent = [pictures.jpeg(seed=n) for n in range(3)]
    return {
        tus.send(data, job.task_id, shot=shot): data
        for shot, data in zip(("scene", "vin", "other"), sent, strict=True)
    }


@pytest.fixture
def packed(as_, claim_id, photos, tmp_path):
    answer = as_("adjuster").get(f"/claims/{claim_id}/evidence.zip")
    assert answer.status_code == 200 and answer.mimetype == "application/zip"
    file = tmp_path / "pack.zip"
    file.write_bytes(answer.data)
    return file


def test_a_pack_holds_every_original_byte_for_byte_and_passes_its_own_check(
    packed, photos, tmp_path, session
):
    with zipfile.ZipFile(packed) as opened:
        manifest = json.loads(opened.read("manifest.json"))
        assert {p["id"]: opened.read(p["file"]) for p in manifest["photos"]} == photos
        opened.extractall(tmp_path / "unpacked")
    # As a clerk would: the file out of the pack, a bare Python, no packages, no network.
    for given in ([str(packed)], []):
        run = subprocess.run(
            [sys.executable, "-I", str(tmp_path / "unpacked" / "verify.py"), *given],
            capture_output=True,
            text=True,
            check=False,
        )
        assert (run.returncode, "3 photos" in run.stdout) == (0, True), run.stdout + run.stderr
    made = session.scalars(select(AuditEntry).where(AuditEntry.action == "evidence.packed")).one()
    assert made.facts["photos"] == 3
    stored = session.scalars(select(AuditEntry).where(AuditEntry.action == "photo.stored")).all()
    assert {str(e.subject_id) for e in stored} == set(photos)


def test_a_site_knows_its_own_packs(packed, sessions, tmp_path):
    assert pack.sealed_here(sessions, packed)
    other = tmp_path / "other.zip"
    rebuilt(packed, other, {"timeline.jsonl": b"{}\n"}, sums=True)
    assert verifier.examine(other)[1] == []  # consistent in itself, made by somebody else
    assert not pack.sealed_here(sessions, other)


def rebuilt(source, target, changes, *, sums=False, drop=()):
    """The pack with other contents; `sums` writes a fitting SHA256SUMS, as a forger would."""
    import hashlib

    with zipfile.ZipFile(source) as old, zipfile.ZipFile(target, "w") as new:
        listed = []
        for name in old.namelist():
            if name in drop or name == verifier.SUMS:
                continue
            data = changes.get(name, old.read(name))
            new.writestr(name, data)
            listed.append(f"{hashlib.sha256(data).hexdigest()}  {name}\n")
        new.writestr(verifier.SUMS, "".join(listed) if sums else old.read(verifier.SUMS))


def test_every_change_of_a_pack_is_found(packed, tmp_path):
    """P17 in small: a thousand random edits, deletions and truncations, none unseen."""
    whole = packed.read_bytes()
    with zipfile.ZipFile(packed) as opened:
        contents = {name: opened.read(name) for name in opened.namelist()}
    dice = random.Random(7)
    file = tmp_path / "changed.zip"
    for number in range(150):
        kind = number % 3
        if kind == 0:
            name = dice.choice(list(contents))
            data = bytearray(contents[name])
            data[dice.randrange(len(data))] ^= 1 << dice.randrange(8)
            rebuilt(
                packed,
                file,
                {name: bytes(data)} if name != verifier.SUMS else {},
                drop=() if name != verifier.SUMS else ("README.txt",),
            )
        elif kind == 1:
            rebuilt(packed, file, {}, drop=(dice.choice([n for n in contents if n != verifier.SUMS]),))
        else:
            file.write_bytes(whole[: dice.randrange(len(whole))])
        try:
            assert verifier.examine(file)[1] != [], f"change {number} was not seen"
        except verifier.Unreadable:
            continue


def test_a_forged_custody_entry_is_found_even_with_fitting_sums(packed, tmp_path):
    with zipfile.ZipFile(packed) as opened:
        lines = opened.read("custody.jsonl").decode().splitlines()
        manifest = json.loads(opened.read("manifest.json"))
    forged = json.loads(lines[0])
    forged["at"] = "2020-01-01T00:00:00+00:00"
    file = tmp_path / "forged.zip"
    rebuilt(
        packed,
        file,
        {"custody.jsonl": ("\n".join([json.dumps(forged), *lines[1:]]) + "\n").encode()},
        sums=True,
    )
    assert any("changed since it was written" in line for line in verifier.examine(file)[1])
    swapped = {manifest["photos"][0]["file"]: pictures.jpeg(seed=99)}
    rebuilt(packed, file, swapped, sums=True)
    assert any("not the one hashed at the shutter" in line for line in verifier.examine(file)[1])


def test_a_damaged_original_is_said_and_the_rest_is_packed(as_, claim_id, photos, storage, session, tmp_path):
    digest = pictures.sha256(next(iter(photos.values())))
    path = next(p for p in storage.originals() if p.name == digest)
    path.chmod(0o600)
    path.write_bytes(b"not what was received")
    answer = as_("supervisor").get(f"/claims/{claim_id}/evidence.zip")
    manifest, wrong = examine(answer.data, tmp_path)
    assert len(manifest["photos"]) == 3 and len(wrong) == 1 and "was not what was received" in wrong[0]
    made = session.scalars(select(AuditEntry).where(AuditEntry.action == "evidence.packed")).one()
    assert made.facts["damaged"] == [next(iter(photos))]


def examine(data, tmp_path):
    file = tmp_path / "examined.zip"
    file.write_bytes(data)
    return verifier.examine(file)


def test_a_claim_without_photos_has_an_empty_pack(as_, claim_id, tmp_path):
    manifest, wrong = examine(as_("admin").get(f"/claims/{claim_id}/evidence.zip").data, tmp_path)
    assert manifest["photos"] == [] and wrong == []


def test_another_branch_may_not_have_it(as_, claim_id, session):
    branch = factories.organisation(session, parent=factories.default_organisation(session))
    session.commit()
    assert as_("adjuster", org=branch).get(f"/claims/{claim_id}/evidence.zip").status_code == 404


def test_what_is_no_pack_is_refused(tmp_path):
    empty = tmp_path / "empty.zip"
    with zipfile.ZipFile(empty, "w") as made:
        made.writestr("x", "y")
    for file in (empty, tmp_path / "absent.zip"):
        with pytest.raises(verifier.Unreadable):
            verifier.examine(file)
    assert verifier.main([str(empty)]) == 2
