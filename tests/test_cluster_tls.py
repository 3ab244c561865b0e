"""A cluster over TLS speaks to whom its authority knows, and to nobody else; also between hosts."""

import re
import shutil
import socket
import ssl
import subprocess
import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path
from uuid import uuid4

import pytest
from apart import listening_of, published, short_folder
from dask_cluster import PAGES, Authority, Command, Dask, done, until

from pipeline.errors import CommandError
from pipeline.publish import cluster
from pipeline.publish.kernels.provisioner import CAN_FORK

pytestmark = [
    pytest.mark.xdist_group("kernel"),
    pytest.mark.skipif(not shutil.which("openssl"), reason="certificates are made by openssl"),
    pytest.mark.skipif(not CAN_FORK, reason="what listens is told by Linux only"),
]
DOCS = Path(__file__).resolve().parents[1] / "docs" / "cluster.md"
SOON = 180  # seconds, of which the program needs some to begin on a busy machine
LOOPBACK = "0100007F"  # as /proc/net/tcp has it
CLIENT = {"TLS__CA_FILE", "TLS__CLIENT__CERT", "TLS__CLIENT__KEY"}


@pytest.fixture(scope="module")
def folder() -> Iterator[Path]:
    with short_folder() as folder:
        yield folder


@pytest.fixture(scope="module")
def ours(folder: Path) -> Authority:
    return Authority(folder / "ours")


@pytest.fixture(scope="module")
def theirs(folder: Path) -> Authority:
    return Authority(folder / "theirs")


@pytest.fixture(scope="module")
def dask(folder: Path, ours: Authority) -> Iterator[Dask]:
    dask = Dask(folder, authority=ours)
    yield dask
    dask.end()


def greeted(dask: Dask, context: ssl.SSLContext | None) -> bool:
    """Return whether the scheduler says a word to who connects."""
    with suppress(OSError), ExitStack() as stack:
        plain = socket.create_connection(("127.0.0.1", dask.port), timeout=SOON)
        wire = stack.enter_context(plain)
        if context is not None:
            wire = stack.enter_context(context.wrap_socket(wire))
        else:
            wire.sendall(b"\0" * 64)
        return wire.recv(1) != b""
    return False


def trusting(authority: Authority, *, shows: Authority | None) -> ssl.SSLContext:
    context = ssl.create_default_context(cafile=authority.folder / "ca.pem")
    context.check_hostname = False
    if shows is not None:
        context.load_cert_chain(shows.folder / "client.pem", shows.folder / "client.key")
    return context


def test_a_scheduler_speaks_only_to_who_shows_a_certificate_of_its_authority(
    dask: Dask, ours: Authority, theirs: Authority
) -> None:
    assert greeted(dask, trusting(ours, shows=ours))
    assert not greeted(dask, None)
    assert not greeted(dask, trusting(ours, shows=theirs))
    assert not greeted(dask, trusting(ours, shows=None))


@pytest.mark.parametrize(
    "who", ["plain", "a wrong authority", "no certificate", "a wrong scheduler"]
)
@pytest.mark.full_size
def test_the_command_is_refused(dask: Dask, ours: Authority, theirs: Authority, who: str) -> None:
    command = Command(dask.folder, 1)
    if who == "plain":
        refused(command, dask.address.replace("tls://", "tcp://"), {})
    if who == "a wrong authority":
        ca = {"DASK_DISTRIBUTED__COMM__TLS__CA_FILE": str(ours.folder / "ca.pem")}
        refused(command, dask.address, theirs.settings("client") | ca)
    if who == "a wrong scheduler":
        ca = {"DASK_DISTRIBUTED__COMM__TLS__CA_FILE": str(theirs.folder / "ca.pem")}
        refused(command, dask.address, ours.settings("client") | ca)
    if who == "no certificate":
        refused(command, dask.address, ours.settings(), "Unable to find the certificates of")


def refused(
    command: Command, address: str, env: dict[str, str], says: str = "Unable to reach the cluster"
) -> None:
    began = time.monotonic()
    told = done(command.start("refused", f"--cluster={address}", env=env), code=2)
    assert told.startswith(f"CommandError: {says}")
    assert told.count("\n") == 1
    assert time.monotonic() - began < SOON
    assert not list(command.folder.glob("refused/*/case.json"))


def test_a_plain_connection_to_a_scheduler_with_certificates_is_an_error(dask: Dask) -> None:
    began = time.monotonic()
    refusal = pytest.raises(CommandError, match="Unable to reach the cluster")
    with refusal as caught, cluster.cluster_of(dask.address.replace("tls://", "tcp://")):
        pass
    assert caught.value.exit_code == 2
    assert time.monotonic() - began < SOON


def test_a_scheduler_of_another_authority_is_an_error(
    dask: Dask, ours: Authority, theirs: Authority, monkeypatch: pytest.MonkeyPatch
) -> None:
    set_in_dask(ours, CLIENT, monkeypatch)
    set_in_dask(theirs, {"TLS__CA_FILE"}, monkeypatch)
    refusal = pytest.raises(CommandError, match="Unable to reach the cluster")
    with refusal, cluster.cluster_of(dask.address):
        pass


def test_a_scheduler_of_the_same_authority_is_spoken_to(
    dask: Dask, ours: Authority, monkeypatch: pytest.MonkeyPatch
) -> None:
    set_in_dask(ours, CLIENT, monkeypatch)
    with cluster.cluster_of(dask.address) as pool:
        assert pool.room >= 2


@pytest.mark.parametrize("lacking", sorted(CLIENT))
def test_where_only_some_of_the_settings_are_made_those_that_lack_are_named(
    ours: Authority, lacking: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    set_in_dask(ours, CLIENT - {lacking}, monkeypatch)
    named = f"distributed.comm.{lacking.lower().replace('__', '.')}".replace("_file", ".file")
    with pytest.raises(CommandError, match=f"set {re.escape(named)} of Dask"):
        cluster._security("tls://192.0.2.7:8786")


def test_certificates_that_cannot_be_read_are_told(
    ours: Authority, monkeypatch: pytest.MonkeyPatch
) -> None:
    set_in_dask(ours, CLIENT, monkeypatch)
    monkeypatch.setattr(ours, "folder", Path("/nowhere"))
    set_in_dask(ours, {"TLS__CLIENT__CERT"}, monkeypatch)
    with pytest.raises(CommandError, match=r"Unable to read the certificates .*NotFoundError"):
        cluster._security("tls://192.0.2.7:8786")


def set_in_dask(authority: Authority, names: set[str], monkeypatch: pytest.MonkeyPatch) -> None:
    """Set what Dask read from the environment when it was imported."""
    from distributed.config import config

    tls = config["distributed"]["comm"]["tls"]
    for name, path in authority.settings("client").items():
        key = name.partition("COMM__")[2]
        if key in names:
            *inside, last = key.removeprefix("TLS__").lower().replace("_file", "-file").split("__")
            monkeypatch.setitem(tls[inside[0]] if inside else tls, last, path)


def test_what_the_docs_tell_to_start_shows_nothing_to_others(dask: Dask) -> None:
    started = re.findall(r"^dask (?:scheduler|worker) .*$", DOCS.read_text("utf-8"), re.M)
    assert len(started) == 2
    assert all(set(PAGES) <= set(line.split()) for line in started)
    processes = (dask.scheduler, *dask.workers)
    until(lambda: all(len(listening_of(process.pid)) == 2 for process in processes))
    ports = [listening_of(process.pid) for process in processes]
    assert {port.partition(":")[0] for one in ports for port in one} == {LOOPBACK}


# hosts of their own


def ip(*words: str) -> None:
    subprocess.run(["ip", *words], check=True, capture_output=True)


@contextmanager
def hosts(addresses: Sequence[str]) -> Iterator[list[list[str]]]:
    """Give for each address the words that run a process on a host that has it.

    They are network namespaces, joined by a bridge in the first.
    """
    names = [f"cr-{uuid4().hex[:8]}" for _ in addresses]
    with ExitStack() as stack:
        for name in names:
            ip("netns", "add", name)
            stack.callback(ip, "netns", "delete", name)
            ip("-n", name, "link", "set", "lo", "up")
        ip("-n", names[0], "link", "add", "bridge", "type", "bridge")
        ip("-n", names[0], "address", "add", f"{addresses[0]}/24", "dev", "bridge")
        ip("-n", names[0], "link", "set", "bridge", "up")
        for number, (name, address) in enumerate(zip(names[1:], addresses[1:], strict=True)):
            ends = [f"port{number}", "type", "veth", "peer", "name", "net", "netns", name]
            ip("-n", names[0], "link", "add", *ends)
            ip("-n", names[0], "link", "set", f"port{number}", "master", "bridge", "up")
            ip("-n", name, "address", "add", f"{address}/24", "dev", "net")
            ip("-n", name, "link", "set", "net", "up")
        yield [["ip", "netns", "exec", name] for name in names]


@pytest.mark.full_size
def test_workers_on_hosts_of_their_own_make_the_same_bytes() -> None:
    addresses = [f"192.0.2.{n}" for n in (1, 2, 3, 4)]
    with short_folder() as folder, ExitStack() as stack:
        try:
            through = stack.enter_context(hosts(addresses))
        except (OSError, subprocess.CalledProcessError):
            pytest.skip("no network namespaces may be made here")
        authority = Authority(folder / "ca")
        command = Command(folder, 12)
        here = command.run("here", "--jobs=2")
        dask = Dask(folder, authority=authority, hosts=addresses[1:], through=through[1:])
        stack.callback(dask.end)
        env = authority.settings("client")
        words = [f"--cluster={dask.address}"]
        done(command.start("there", *words, env=env, through=through[0]))
        assert published(folder / "there") == here
        assert all(f"Register worker addr: tls://{one}:" in dask.log() for one in addresses[2:])
