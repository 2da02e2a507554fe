"""What apt says, read rightly: the smallest set of packages that runs PostGIS, and never the C library."""

from launch import debian

URIS = """\
'http://deb.example/pool/main/g/geos/libgeos-c1v5_3.11.1-1_amd64.deb' libgeos-c1v5_3.11.1-1_amd64.deb 75528 SHA256:aa
'http://deb.example/p/postgresql-15-postgis-3_3.3.2%2bdfsg-1_amd64.deb' postgresql-15-postgis-3_3.3.2+dfsg-1_amd64.deb 3 SHA256:bb
"""
DEPENDS = """\
postgresql-15-postgis-3
  Depends: postgresql-15
  Depends: postgresql-15-postgis-3-scripts
  Depends: libc6
  Depends: libgdal32
 |Depends: libproj25
  Depends: <proj-provider>
    libproj25
libgdal32
  Depends: libhuge1
libproj25
  Depends: proj-data
  Depends: libc6
postgresql-15
  Depends: libpq5
  Depends: postgresql-common
  Depends: python3:any
postgresql-common
  Depends: perl
"""


def test_names_are_read_from_the_uris() -> None:
    assert debian.packages_of(URIS) == ["libgeos-c1v5", "postgresql-15-postgis-3"]


def test_only_what_leads_somewhere_useful_is_needed() -> None:
    edges = debian.edges_of(DEPENDS)
    everything = set(edges) | {name for names in edges.values() for name in names}
    found = debian.needed(["postgresql-15", "postgresql-15-postgis-3"], edges, everything)
    assert found >= {"postgresql-15", "postgresql-15-postgis-3", "libproj25", "proj-data", "libpq5"}
    assert found.isdisjoint({"libc6", "libgdal32", "libhuge1", "perl", "postgresql-common", "python3"})


def test_what_the_machine_cannot_install_is_not_followed() -> None:
    edges = debian.edges_of(DEPENDS)
    assert debian.needed(["libproj25"], edges, {"libproj25"}) == {"libproj25"}


def test_libraries_that_would_be_missing_are_named(tmp_path: object) -> None:
    assert debian.missing_libraries([debian.Path("/bin/sh")], {}) == []
