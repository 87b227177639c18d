"""Certificates for tests, made by openssl(1)."""

import pathlib
import subprocess


def openssl(*arguments, **options):
    done = subprocess.run(["openssl", *map(str, arguments)], capture_output=True, text=True, check=False, timeout=60,
                          **options)
    assert done.returncode == 0, done.stderr
    return done.stdout


class Authority:
    """Signs certificates, each with its key, in a folder."""

    def __init__(self, folder, name="authority"):
        self.folder = pathlib.Path(folder)
        self.cert, self.key = self.folder / f"{name}.pem", self.folder / f"{name}.key"
        openssl("req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-subj", f"/CN={name}",
                "-days", 2, "-keyout", self.key, "-out", self.cert)

    def issue(self, name, names="IP:127.0.0.1", days=2):
        """A certificate for these names; with `days` below 0 it has expired. Returns the fields of node.json."""
        cert, key, request = (self.folder / f"{name}.{kind}" for kind in ("pem", "key", "csr"))
        openssl("req", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-subj", f"/CN={name}",
                "-addext", f"subjectAltName={names}", "-keyout", key, "-out", request)
        if days > 0:
            openssl("x509", "-req", "-in", request, "-CA", self.cert, "-CAkey", self.key, "-CAcreateserial",
                    "-copy_extensions", "copyall", "-days", days, "-out", cert)
        else:
            self.issue_expired(request, cert)
        return {"tls_cert": str(cert), "tls_key": str(key)}

    def issue_expired(self, request, cert):
        index, config = self.folder / "index.txt", self.folder / "ca.cnf"
        index.write_text("")
        config.write_text(f"[ca]\ndefault_ca=c\n[c]\ndatabase={index}\nrand_serial=yes\nnew_certs_dir={self.folder}\n"
                          "default_md=sha256\npolicy=p\ncopy_extensions=copyall\n[p]\ncommonName=supplied\n")
        openssl("ca", "-batch", "-config", config, "-cert", self.cert, "-keyfile", self.key, "-in", request, "-out", cert,
                "-startdate", "20200101000000Z", "-enddate", "20200102000000Z", "-notext")
