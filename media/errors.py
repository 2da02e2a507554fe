"""What can go wrong with photos."""

from core.errors import ChakanError, Conflict, Gone, Missing


class BadUpload(ChakanError):
    """The request does not speak tus: a header is missing or cannot be read."""

    code, kind = "bad_upload", "malformed"


class UploadGone(Gone):
    """The upload was ended, refused, or expired; a new one may begin."""

    code = "upload_gone"


class UploadTooLarge(ChakanError):
    code, kind = "upload_too_large", "too_large"


class TooManyPhotos(Conflict):
    code = "too_many_photos"


class OffsetConflict(Conflict):
    """The bytes do not continue what is stored. `offset` in the facts is where to go on."""

    code = "offset_conflict"


class UploadLocked(ChakanError):
    """Somebody else is writing to this upload at this moment."""

    code, kind = "upload_locked", "conflict"


class ChecksumMismatch(ChakanError):
    """The bytes of this request are not the ones the checksum was made of; they are thrown away."""

    code, kind = "checksum_mismatch", "invalid"


class BadChecksum(ChakanError):
    code, kind = "bad_checksum", "malformed"


class TooSlow(ChakanError):
    """The sender fell silent or sends next to nothing; what arrived is kept."""

    code, kind = "too_slow", "busy"


class HashMismatch(ChakanError):
    """The whole file is not what the phone hashed at the shutter; the upload is refused and may begin again."""

    code, kind = "hash_mismatch", "invalid"


class NotAPhoto(ChakanError):
    """The content, whatever its name, is none of the formats we take."""

    code, kind = "not_a_photo", "wrong_type"


class UnreadablePhoto(ChakanError):
    """The file claims to be a photo but cannot be taken: too many pixels, too small, animated, a bomb."""

    code, kind = "unreadable_photo", "invalid"


class StorageFull(ChakanError):
    """The volume is full; what arrived is kept for the resume."""

    code, kind = "storage_full", "full"


class NoSuchObject(Missing):
    code = "no_such_object"


class CopyNotReady(Missing):
    """The preview is not made yet, or cannot be made."""

    code = "copy_not_ready"


class EvidenceDamaged(Conflict):
    """The stored original no longer has the hash it was taken in with. Recorded in the audit log."""

    code = "evidence_damaged"


class Taken(Conflict):
    """Another reviewer holds the task."""

    code = "taken"


class NotReviewable(Conflict):
    code = "task_state"


class PhotosWaiting(Conflict):
    code = "photos_waiting"


class ShotsMissing(Conflict):
    code = "shots_missing"


class NoAssessment(Conflict):
    code = "no_assessment"


class VersionConflict(Conflict):
    """Somebody saved a newer version in the meantime; `version` in the facts is the newest."""

    code = "version_conflict"


class BeyondAuthority(ChakanError):
    code, kind = "beyond_authority", "denied"
