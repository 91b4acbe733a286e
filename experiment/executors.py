"""Where the points of a sweep are worked on: processes of this machine, or a Ray cluster."""

import os
import signal
import socket
from collections.abc import Callable, Iterator, Sequence
from typing import Any

import joblib

from experiment.scenario_error import ScenarioError

Task = tuple[Any, ...]


def on_processes(work: Callable[..., str], tasks: Sequence[Task], jobs: int) -> Iterator[str]:
    """Call `work(*task)` for every task on `jobs` processes; yield the results as they come."""
    parent = os.getpid()
    calls = (joblib.delayed(_undisturbed)(work, task, parent) for task in tasks)
    yield from joblib.Parallel(n_jobs=jobs, return_as="generator_unordered")(calls)


def on_ray(work: Callable[..., str], tasks: Sequence[Task], address: str) -> Iterator[str]:
    """Call `work(*task)` for every task on a Ray cluster; yield the results as they come.

    Every node has to have this project installed, and to see the data, the cache and the output
    directory under the same paths (a shared file system).

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
        remote_work = ray.remote(num_cpus=1)(work)
        waiting = [remote_work.remote(*task) for task in tasks]
        while waiting:
            done, waiting = ray.wait(waiting)
            yield ray.get(done[0])
    finally:
        ray.shutdown()


def _refuse_silence(address: str) -> None:
    """Try a `host:port` before Ray does, which would wait for minutes.

    Raises:
        OSError: nobody listens there.
    """
    host, _, port = address.removeprefix("ray://").rpartition(":")
    if host and port.isdecimal():
        socket.create_connection((host, int(port)), timeout=5.0).close()


def _undisturbed(work: Callable[..., str], task: Task, parent: int) -> str:
    if os.getpid() != parent:
        # Ctrl-C reaches every process of the terminal; the main one ends the others.
        signal.signal(signal.SIGINT, signal.SIG_IGN)
    return work(*task)
