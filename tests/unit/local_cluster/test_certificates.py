"""The endpoint's certificate is made once a year for a data directory, and kept meanwhile."""

import os
import stat
import sys
import time
from pathlib import Path

import pytest
from cryptography import x509

from awslabs_dsql_mcp.dsql.regions import REGIONS
from awslabs_dsql_mcp.local_cluster.daemon import certificates
from awslabs_dsql_mcp.local_cluster.data_dir import HOSTS, DataDir

_DAY = 86_400


def test_a_certificate_is_renewed_after_a_year(tmp_path: Path) -> None:
    data_dir = DataDir(tmp_path)
    assert not data_dir.has_fresh_certificate()
    certificates.make(data_dir)
    assert data_dir.has_fresh_certificate()
    for days, fresh in ((364, True), (366, False)):
        made_at = time.time() - days * _DAY
        os.utime(data_dir.ca_file, (made_at, made_at))
        assert data_dir.has_fresh_certificate() is fresh


def test_a_certificate_for_fewer_names_is_renewed(tmp_path: Path) -> None:
    data_dir = DataDir(tmp_path)
    certificates.make(data_dir)
    _, _, older = data_dir.certificate.read_bytes().partition(b"\n")
    data_dir.write(data_dir.certificate, older)
    assert not data_dir.has_fresh_certificate()


def test_a_certificate_is_for_the_endpoints_of_all_regions(tmp_path: Path) -> None:
    data_dir = DataDir(tmp_path)
    certificates.make(data_dir)
    (certificate,) = x509.load_pem_x509_certificates(data_dir.certificate.read_bytes())
    names = certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    assert set(names.get_values_for_type(x509.DNSName)) == {*HOSTS, *(f"*.dsql.{r}.on.aws" for r in REGIONS)}


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no modes")
def test_only_the_owner_reads_the_key_and_the_certificates(tmp_path: Path) -> None:
    data_dir = DataDir(tmp_path)
    certificates.make(data_dir)
    for path in (data_dir.private_key, data_dir.certificate, data_dir.ca_file):
        assert stat.S_IMODE(path.stat().st_mode) == 0o600
