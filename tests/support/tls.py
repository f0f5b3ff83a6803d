"""A certificate for loopback, made for the test by openssl: server, client and CA in one."""

import shutil
import ssl
import subprocess
from dataclasses import dataclass
from pathlib import Path

import pytest


@dataclass(frozen=True)
class Certificate:
    cert: Path
    key: Path

    def of_server(self, *, asks_for_client: bool = False) -> ssl.SSLContext:
        context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH, cafile=self.cert)
        context.load_cert_chain(self.cert, self.key)
        if asks_for_client:
            context.verify_mode = ssl.CERT_REQUIRED
        return context


def a_certificate(folder: Path) -> Certificate:
    if shutil.which("openssl") is None:
        pytest.skip("openssl is not on PATH: install it to run the tests of TLS")
    made = Certificate(folder / "tls.crt", folder / "tls.key")
    subprocess.run(
        [
            *("openssl", "req", "-x509", "-nodes", "-days", "2", "-subj", "/CN=127.0.0.1"),
            *("-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1"),
            *("-addext", "subjectAltName=IP:127.0.0.1,DNS:api.test"),
            *("-addext", "keyUsage=critical,digitalSignature,keyCertSign"),
            *("-keyout", made.key, "-out", made.cert),
        ],
        check=True,
        capture_output=True,
        timeout=60,
    )
    return made
