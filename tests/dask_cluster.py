"""A Dask cluster of processes, its certificates, and the command that gives it reports to make."""

import json
import os
import subprocess
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from apart import entries_in, published, write_people

LOOPBACK = "127.0.0.1"
PAGES = ["--no-dashboard", f"--dashboard-address={LOOPBACK}:0"]  # also those without a dashboard
AT_MOST = 180  # seconds until what is waited for is there, on a busy machine
EXTENSIONS = """
[ca]
basicConstraints = critical, CA:TRUE
keyUsage = critical, keyCertSign, cRLSign
subjectKeyIdentifier = hash
[one]
basicConstraints = critical, CA:FALSE
keyUsage = critical, digitalSignature
extendedKeyUsage = serverAuth, clientAuth
subjectKeyIdentifier = hash
authorityKeyIdentifier = keyid
[req]
distinguished_name = name
[name]
"""


def until(holds: Callable[[], bool], seconds: float = AT_MOST) -> None:
    """Wait until something holds."""
    end = time.monotonic() + seconds
    while not holds():
        assert time.monotonic() < end, "it does not come"
        time.sleep(0.05)


class Authority:
    """Certificates of one authority, and the settings of Dask that name them."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        folder.mkdir()
        (folder / "extensions").write_text(EXTENSIONS)
        ca = ["req", "-x509", "-out", "ca.pem", "-keyout", "ca.key", "-extensions", "ca"]
        self._openssl(*ca, *self._new("authority"), "-days", "3650")
        for role in ("scheduler", "worker", "client"):
            self._openssl("req", "-out", "asked", "-keyout", f"{role}.key", *self._new(role))
            signed = ["x509", "-req", "-in", "asked", "-out", f"{role}.pem", "-days", "3650"]
            by = ["-CA", "ca.pem", "-CAkey", "ca.key", "-CAcreateserial"]
            self._openssl(*signed, *by, "-extfile", "extensions", "-extensions", "one")

    @staticmethod
    def _new(name: str) -> list[str]:
        curve = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes"]
        return [*curve, "-config", "extensions", "-subj", f"/CN={name}"]

    def _openssl(self, *words: str) -> None:
        subprocess.run(["openssl", *words], cwd=self.folder, check=True, capture_output=True)

    def settings(self, *roles: str) -> dict[str, str]:
        """Return what tells Dask to use the certificates of some roles."""
        told = {"TLS__CA_FILE": "ca.pem"}
        for role in roles:
            told |= {f"TLS__{role.upper()}__CERT": f"{role}.pem"}
            told |= {f"TLS__{role.upper()}__KEY": f"{role}.key"}
        paths = {
            f"DASK_DISTRIBUTED__COMM__{name}": str(self.folder / path)
            for name, path in told.items()
        }
        return {"DASK_DISTRIBUTED__COMM__REQUIRE_ENCRYPTION": "true"} | paths


class Dask:
    """A scheduler and two workers, as processes of their own.

    ``through``: the words that start a process on a host of its own, the scheduler's first.
    """

    def __init__(
        self,
        folder: Path,
        *,
        authority: Authority | None = None,
        hosts: Sequence[str] = (LOOPBACK,) * 3,
        through: Sequence[Sequence[str]] = ((),) * 3,
        env: Mapping[str, str] | None = None,
        nanny: bool = False,
    ) -> None:
        self.folder, self.hosts, self.through = folder, hosts, through
        (folder / "tmp").mkdir(exist_ok=True)
        self.protocol = "tls" if authority else "tcp"
        self.nanny = "--nanny" if nanny else "--no-nanny"
        settings = authority.settings("scheduler", "worker") if authority else {}
        self.env = os.environ | {"TMPDIR": str(folder / "tmp")} | settings | (env or {})
        self.address, self.port = "", 0
        self.start_scheduler()
        self.workers = [self.worker(n) for n in (1, 2)]

    def start_scheduler(self) -> None:
        """Start it at the address that it had, if any."""
        file = self.folder / "scheduler.json"
        file.unlink(missing_ok=True)
        words = [f"--host={self.hosts[0]}", f"--port={self.port}", f"--scheduler-file={file}"]
        words.append(f"--protocol={self.protocol}")
        self.scheduler = self._start(0, "dask_scheduler", *words, *PAGES)
        until(lambda: file.exists() and file.read_text().endswith("}"))
        self.address = json.loads(file.read_text())["address"]
        self.port = int(self.address.rpartition(":")[2])

    def worker(self, n: int = 1) -> subprocess.Popen[bytes]:
        """Start a worker on a host."""
        words = [self.address, f"--host={self.hosts[n]}", "--nthreads=1", self.nanny]
        return self._start(n, "dask_worker", *words, f"--death-timeout={AT_MOST}", *PAGES)

    def kill_worker(self, n: int) -> None:
        """Kill one of the two, and start another in its place."""
        self.workers[n].kill()
        self.workers[n].wait()
        self.workers[n] = self.worker(n + 1)

    def kill_scheduler(self) -> None:
        """Kill it; its workers end by themselves."""
        self.scheduler.kill()
        self.scheduler.wait()
        for worker in self.workers:
            worker.wait(AT_MOST)

    def come_back(self) -> None:
        """Start all again, at the same address."""
        self.start_scheduler()
        self.workers = [self.worker(n) for n in (1, 2)]

    def _start(self, host: int, program: str, *words: str) -> subprocess.Popen[bytes]:
        with (self.folder / "log").open("ab") as log:
            return subprocess.Popen(
                [*self.through[host], sys.executable, "-m", f"distributed.cli.{program}", *words],
                cwd=self.folder,
                env=self.env,
                stdout=log,
                stderr=log,
            )

    def log(self) -> str:
        """Return what scheduler and workers wrote."""
        return (self.folder / "log").read_text("utf-8", errors="replace")

    def end(self) -> None:
        """End the workers, then the scheduler: one that loses it while it ends may not end."""
        for process in self.workers:
            process.terminate()
        for process in self.workers:
            process.wait(AT_MOST)
        self.scheduler.terminate()
        self.scheduler.wait(AT_MOST)


class Command:
    """The command over some people, in a folder."""

    def __init__(self, folder: Path, people: int) -> None:
        self.folder, self.people = folder, people
        write_people(folder / "lab.csv", people)

    def start(
        self,
        out: str,
        *more: str,
        env: Mapping[str, str] | None = None,
        program: Sequence[str] = ("-m", "pipeline"),
        through: Sequence[str] = (),
    ) -> subprocess.Popen[str]:
        words = ["report", "client_report", "lab.csv", f"--out={out}", "--as-of=2026-09-30"]
        return subprocess.Popen(
            [*through, sys.executable, *program, *words, "--format=html,json", *more],
            cwd=self.folder,
            env=os.environ | (env or {}),
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )

    def run(self, out: str, *more: str, env: Mapping[str, str] | None = None) -> dict[str, bytes]:
        """Return what a run published that has to end well."""
        running = self.start(out, *more, env=env)
        done(running)
        return published(self.folder / out)

    def made(self, out: str) -> list[str]:
        """Return the reports that are in the journal."""
        entries = entries_in(self.folder / out)
        return [f"{one['case_id']} {one['language']}" for one in entries]

    def until_made(self, running: subprocess.Popen[str], out: str, reports: int) -> None:
        """Wait until so many are, or the run has ended."""
        until(lambda: len(self.made(out)) >= reports or running.poll() is not None, 500)
        assert running.poll() is None, running.communicate()


def done(running: subprocess.Popen[str], *, code: int = 0) -> str:
    """Return what a run told on stderr."""
    _, errors = running.communicate(timeout=550)
    assert running.returncode == code, errors
    return errors
