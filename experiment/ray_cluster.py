"""Where the points of a sweep are worked on: a Ray cluster whose nodes share no files."""

import hashlib
import io
import socket
import tarfile
import tempfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any

from experiment.directories import Directories
from experiment.executors import attempt
from experiment.failure import Failure
from experiment.named_files import NamedFiles
from experiment.point_work import Done, Executor, PointTask
from experiment.scenario_error import ScenarioError
from experiment.staging import staged
from experiment.versions import versions
from workloads.content_cache import receive

Work = Callable[[PointTask], None]


@contextmanager
def ray_cluster(address: str) -> Iterator[Executor]:
    """Yield what works on tasks on a Ray cluster, one processor each.

    Every node has to have this project installed, of the same versions, and nothing else: what a
    task reads reaches it through Ray's object store by the hash of its content, is kept in the
    node's own cache directory (`LSC_CACHE` there) and verified, and results come back as bytes.

    Raises:
        ScenarioError: Ray is not installed, or there is no cluster at the address.
    """
    try:
        import ray
    except ImportError:
        message = "needs the extra `cluster`: python -m pip install -e '.[cluster]'"
        raise ScenarioError("", "--ray", message) from None
    try:
        _refuse_silence(address)
        ray.init(address=address, log_to_driver=False, logging_level="ERROR")
    except (OSError, RuntimeError, ValueError) as error:
        message = f"no Ray cluster answers at {address!r} ({' '.join(str(error).split())})"
        raise ScenarioError("", "--ray", message) from None
    try:
        yield _Cluster(ray)
    finally:
        ray.shutdown()


class _Cluster:
    """Sends tasks and what they read to the cluster, and writes what comes back.

    Args:
        ray: the module, connected to a cluster.
    """

    def __init__(self, ray: Any) -> None:
        self._ray = ray
        self._work = ray.remote(num_cpus=1, max_retries=0)(_on_a_node)
        self._references: dict[str, Any] = {}
        self._hash_of: dict[Path, str] = {}

    def __call__(self, work: Work, tasks: Sequence[PointTask]) -> Iterator[Done]:
        running = {}
        for position, task in enumerate(tasks):
            parcel = self._parcel(task)
            contents = [self._references[content_hash] for content_hash in parcel.hashes]
            running[self._work.remote(work, parcel, *contents)] = position
        while running:
            (done, *_), _ = self._ray.wait(list(running))
            position = running.pop(done)
            yield position, self._unpacked(done, tasks[position])

    def _unpacked(self, done: Any, task: PointTask) -> Failure | None:
        """Write what a task has made to where it belongs."""
        try:
            result = self._ray.get(done)
        except self._ray.exceptions.WorkerCrashedError:
            return Failure.killed()
        except self._ray.exceptions.RayError as error:
            return Failure.of(error)
        if isinstance(result, Failure):
            return result
        with staged(task.output) as output:
            _unpack(result, output.parent)
        return None

    def _parcel(self, task: PointTask) -> "_Parcel":
        """Name by hash what a task reads, and put what is new into the object store."""
        shared, cache = task.shared, task.shared.cache
        inputs = [shared.preparation, *(path for path in shared.worlds.values() if path.is_file())]
        return _Parcel(
            task=task,
            inputs={path.name: self._put(path) for path in inputs},
            entries={entry: self._put(cache / entry) for entry in sorted(task.entries)},
            files=NamedFiles.of(task.point.scenario),
            versions=versions(),
        )

    def _put(self, path: Path) -> str:
        """Return the hash of a file's or directory's content, which is then in the store."""
        if path not in self._hash_of:
            content = _packed(path)
            content_hash = hashlib.sha256(content).hexdigest()
            self._hash_of[path] = content_hash
            if content_hash not in self._references:
                self._references[content_hash] = self._ray.put(content)
        return self._hash_of[path]


@dataclass(frozen=True)
class _Parcel:
    """A task with the hashes of what it reads.

    Attributes:
        task: with the paths of whoever sent it.
        inputs: hashes of packed files, by file name.
        entries: hashes of packed entries of the cache, by their place in it.
        files: what the scenario names beside the data.
        versions: of whoever sent it.
    """

    task: PointTask
    inputs: Mapping[str, str]
    entries: Mapping[Path, str]
    files: NamedFiles
    versions: Mapping[str, str]

    @property
    def hashes(self) -> list[str]:
        """All hashes, in the order in which the contents are sent along."""
        return list(dict.fromkeys([*self.inputs.values(), *self.entries.values()]))


def _on_a_node(work: Work, parcel: _Parcel, *contents: bytes) -> bytes | Failure:
    """Work on a task in a folder of this node, and return what it made."""
    if differing := [key for key, had in parcel.versions.items() if versions().get(key) != had]:
        message = f"the node {socket.gethostname()} has another version of {', '.join(differing)}"
        return Failure("OtherVersions", "--ray", message, "", mendable=True)
    by_hash = dict(zip(parcel.hashes, contents, strict=True))
    cache = Directories.from_environment().absolute().cache
    for place, content_hash in parcel.entries.items():
        receive(cache / place, partial(_unpack, by_hash[content_hash]))
    with tempfile.TemporaryDirectory() as name, parcel.files.present(Path(name) / "files"):
        folder = Path(name)
        for content_hash in parcel.inputs.values():
            _unpack(by_hash[content_hash], folder)
        task = _at_home(parcel.task, folder, cache)
        failure = attempt(work, task)
        return failure or _packed(task.output)


def _at_home(task: PointTask, folder: Path, cache: Path) -> PointTask:
    """Return a task with the paths of this node."""
    shared = task.shared
    worlds = {name: folder / path.name for name, path in shared.worlds.items()}
    here = replace(shared, preparation=folder / shared.preparation.name, worlds=worlds, cache=cache)
    return replace(task, output=folder / "output" / task.output.name, shared=here)


def _packed(path: Path) -> bytes:
    """Return a file or directory as an archive, the same for the same content."""
    content = io.BytesIO()

    def anonymous(member: tarfile.TarInfo) -> tarfile.TarInfo:
        member.mtime, member.uid, member.gid, member.uname, member.gname = 0, 0, 0, "", ""
        return member

    with tarfile.open(fileobj=content, mode="w") as archive:
        archive.add(path, path.name, filter=anonymous)
    return content.getvalue()


def _unpack(content: bytes, folder: Path) -> None:
    with tarfile.open(fileobj=io.BytesIO(content)) as archive:
        archive.extractall(folder, filter="data")


def _refuse_silence(address: str) -> None:
    """Try a `host:port` before Ray does, which would wait for minutes.

    Raises:
        OSError: nobody listens there.
    """
    host, _, port = address.removeprefix("ray://").rpartition(":")
    if host and port.isdecimal():
        socket.create_connection((host, int(port)), timeout=5.0).close()
