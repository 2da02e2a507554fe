"""`chakan verify PACK.zip`: the offline check of an evidence pack, and beside its own site, whether that site made it."""

from pathlib import Path

from launch import administer
from launch.errors import CannotStart


def verify(file: Path, data: Path) -> int:
    """Prints what is wrong with a pack; 0 nothing, 1 something, 2 no pack at all."""
    from media import pack, verifier

    code = verifier.main([str(file)])
    if code == 2:
        return code
    try:
        administer.adopt(data)
    except CannotStart:
        print("· no site runs here, so nothing says whose pack it is")
        return code
    made_here = pack.sealed_here(administer.connect(), file)
    print("✓ made by this site 由本系统出具" if made_here else "✗ not made by this site 非本系统出具")
    return code if made_here else 1
