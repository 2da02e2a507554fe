"""What can go wrong with people, devices and tokens."""

from core.errors import ChakanError


class BadSignIn(ChakanError):
    """The same words for an unknown name, a wrong password and a disabled account: no list of users leaks."""

    code, kind = "bad_sign_in", "unsigned"


class AccountLocked(ChakanError):
    code, kind = "account_locked", "too_many"


class BadPairingCode(ChakanError):
    code, kind = "bad_pairing_code", "missing"


class NameTaken(ChakanError):
    code, kind = "name_taken", "conflict"


class WeakPassword(ChakanError):
    code, kind = "weak_password", "invalid"


class WrongPassword(ChakanError):
    """Not BadSignIn: whoever mistypes the old password is still signed in."""

    code, kind = "wrong_password", "invalid"


class OwnAccount(ChakanError):
    """An administrator who ends himself may leave nobody who could undo it."""

    code, kind = "own_account", "conflict"
