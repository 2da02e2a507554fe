"""What can go wrong with places, positions and areas."""

from core.errors import ChakanError


class BadPlace(ChakanError):
    """A coordinate that is nowhere on earth."""

    code, kind = "bad_place", "invalid"


class BadShape(ChakanError):
    """A polygon that cannot be a service area."""

    code, kind = "bad_shape", "invalid"


class BadTile(ChakanError):
    """A tile address outside the map."""

    code, kind = "bad_tile", "missing"


class BadGpx(ChakanError):
    """A file that is not a GPX track."""

    code, kind = "bad_gpx", "invalid"


class AreaInUse(ChakanError):
    """Claims lie in the area, so it stays."""

    code, kind = "area_in_use", "conflict"


class NoRoads(ChakanError):
    """The data folder holds no road graph, or one of another version of the program."""

    code, kind = "no_roads", "missing"


class BadExtract(ChakanError):
    """A file that no road graph can be made of."""

    code, kind = "bad_extract", "invalid"
