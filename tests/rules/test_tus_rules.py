"""The rules of tus as pure functions."""

import base64
import hashlib
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.errors import ChakanError, Invalid
from media import upload
from media.errors import BadChecksum, BadUpload, ChecksumMismatch
from media.upload import Checksum, Declared

SHA = hashlib.sha256(b"x").hexdigest()


def header(**pairs: str) -> str:
    return ",".join(f"{name} {base64.b64encode(value.encode()).decode()}" for name, value in pairs.items())


def declared(**pairs: str) -> Declared:
    return upload.declared(upload.parse_metadata(header(**({"sha256": SHA} | pairs))))


def test_everything_a_phone_says_is_read():
    said = declared(
        task="912215616608274188", shot="vin", filename="IMG_1.jpg", filetype="image/jpeg", seq="7",
        taken_at="2026-11-22T16:00:00+08:00", lon="116.4", lat="39.91", accuracy="12.5",
    )  # fmt: skip
    assert said.task_id == 912215616608274188
    assert (said.shot, said.filename, said.filetype, said.seq) == ("vin", "IMG_1.jpg", "image/jpeg", 7)
    assert said.taken_at == datetime(2026, 11, 22, 8, tzinfo=UTC)
    assert (said.lon, said.lat, said.accuracy_m) == (116.4, 39.91, 12.5)


def test_what_is_stored_is_read_back_unchanged():
    said = declared(shot="scene", taken_at="2026-11-22T08:00:00Z", lon="1", lat="2", seq="3")
    assert Declared.of_row(said.stored()) == said


def test_an_empty_value_is_allowed_in_metadata():
    assert upload.parse_metadata("note,shot dmlu") == {"note": "", "shot": "vin"}


@pytest.mark.parametrize(
    "bad", ["sha256 !!!", "a b c", "sha256 /w==", "shot dmlu,shot dmlu", "na me", "x" * 9000]
)
def test_broken_metadata_is_a_bad_request(bad):
    with pytest.raises(BadUpload):
        upload.parse_metadata(bad)


@pytest.mark.parametrize("bad", ["", "abc", SHA + "0", "g" * 64])
def test_the_digest_of_the_whole_file_is_a_must(bad):
    with pytest.raises(Invalid) as refused:
        upload.declared({"sha256": bad})
    assert refused.value.errors[0]["path"] == "sha256"


def test_an_upper_case_digest_is_understood():
    assert declared(sha256=SHA.upper()).sha256 == SHA


@pytest.mark.parametrize("shot", ["", "VIN", "../etc", "x" * 41, "1st", "近景"])
def test_evidence_is_never_refused_for_its_label(shot):
    assert declared(shot=shot).shot == "other"


@pytest.mark.parametrize(
    "lon,lat",
    [("0", "0"), ("nan", "39"), ("inf", "39"), ("181", "39"), ("116", "91"), ("116", ""), ("x", "1")],
)
def test_a_position_that_is_none_is_no_position(lon, lat):
    said = declared(lon=lon, lat=lat, accuracy="5")
    assert (said.lon, said.lat, said.accuracy_m) == (None, None, None)


def test_a_negative_accuracy_means_the_phone_does_not_know():
    assert declared(lon="116", lat="39", accuracy="-1").accuracy_m is None


@pytest.mark.parametrize(
    "name,value", [("task", "x"), ("task", "99999999999999999999"), ("seq", "-1"), ("taken_at", "yesterday")]
)
def test_a_wrong_field_is_named(name, value):
    with pytest.raises(Invalid) as refused:
        declared(**{name: value})
    assert refused.value.errors[0]["path"] == name


@pytest.mark.parametrize(
    "given_name,shown",
    [
        ("../../etc/passwd", "passwd"), ("..\\..\\boot.ini", "boot.ini"), ("a\0b.jpg", "ab.jpg"), ("..", "photo"), ("", "photo"),
        ("照片😀.jpg", "照片😀.jpg"), ("\u202egpj.exe", "gpj.exe"), ("a\r\nSet-Cookie: x.jpg", "aSet-Cookie: x.jpg"),
        ("%2e%2e%2fpasswd", "%2e%2e%2fpasswd"), ("CON", "CON"), (" . .hidden. ", "hidden"),
    ],
)  # fmt: skip
def test_a_filename_is_only_something_to_show(given_name, shown):
    assert upload.clean_filename(given_name) == shown


def test_a_long_filename_is_cut():
    assert len(upload.clean_filename("x" * 300 + ".jpg")) == upload.MAX_FILENAME


@given(st.text(max_size=400))
def test_no_filename_holds_a_path_or_a_control_character(name):
    shown = upload.clean_filename(name)
    assert 1 <= len(shown) <= upload.MAX_FILENAME
    assert not set(shown) & {"/", "\\", "\0", "\n", "\r", "\x7f"}


@given(
    st.dictionaries(
        st.sampled_from(["sha256", "task", "shot", "filename", "taken_at", "lon", "lat", "accuracy", "seq"]),
        st.text(),
    )
)
def test_whatever_is_sent_the_answer_is_ours(pairs):
    try:
        upload.declared(upload.parse_metadata(header(**{"sha256": SHA, **pairs})))
    except ChakanError as refused:
        assert refused.kind in ("invalid", "malformed")
    except UnicodeEncodeError:
        assert any("\ud800" <= c <= "\udfff" for value in pairs.values() for c in value)


def test_base64_that_is_not_even_ascii_is_refused():
    with pytest.raises(ChakanError):
        upload.parse_metadata("filename 照片")
    with pytest.raises(ChakanError):
        Checksum("sha1 摘要")


@given(st.text(max_size=200))
def test_any_metadata_header_is_read_or_refused(raw):
    try:
        upload.declared(upload.parse_metadata(raw))
    except ChakanError as refused:
        assert refused.kind in ("invalid", "malformed")


@pytest.mark.parametrize("algorithm", ["sha1", "sha256"])
def test_the_right_checksum_passes_and_the_wrong_one_does_not(algorithm):
    good = base64.b64encode(hashlib.new(algorithm, b"onetwo").digest()).decode()
    fed = Checksum(f"{algorithm} {good}")
    fed.add(b"one")
    fed.add(b"two")
    fed.check()
    fed = Checksum(f"{algorithm} {good}")
    fed.add(b"one")
    with pytest.raises(ChecksumMismatch):
        fed.check()


@pytest.mark.parametrize("bad", ["", "md5 xyz", "crc32 AAAA", "sha1 !!", "sha1"])
def test_an_unknown_algorithm_or_broken_checksum_is_a_bad_request(bad):
    with pytest.raises((BadChecksum, ChecksumMismatch)) as refused:
        Checksum(bad).check()
    assert bad == "sha1" or isinstance(refused.value, BadChecksum)


@pytest.mark.parametrize("bad", ["-1", "1.5", "", "٣", "1e3", "9" * 16])
def test_a_length_is_a_whole_number(bad):
    with pytest.raises(BadUpload):
        upload.whole_number(bad, "Upload-Length")


def test_a_date_is_as_http_wants_it():
    assert upload.http_date(datetime(2026, 11, 22, 8, 5, 9, tzinfo=UTC)) == "Sun, 22 Nov 2026 08:05:09 GMT"
