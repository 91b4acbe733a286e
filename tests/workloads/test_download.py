import hashlib
import io
import threading
import zipfile
from contextlib import contextmanager
from dataclasses import replace
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from workloads import datasets
from workloads.download import ARCHIVES, Archive
from workloads.errors import WorkloadError
from workloads.workload_settings import WorkloadSettings

RATINGS = "1\t20\t3\t100\n1\t3\t1\t50\n"


def zip_of(**files):
    """A zip archive laid out as GroupLens's, with more in it than is wanted."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as zipped:
        zipped.writestr("ml-100k/README", "hello")
        zipped.writestr("../escaped", "never to be written")
        for name, text in files.items():
            zipped.writestr(f"ml-100k/{name.replace('__', '.')}", text)
    return buffer.getvalue()


@contextmanager
def serving(content, *, status=200, announced=None):
    """Serve `content` at every address of a local server; yield its URL and the requests made."""
    requests = []

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self):
            requests.append(self.path)
            self.send_response(status)
            self.send_header("Content-Length", str(announced or len(content)))
            self.end_headers()
            self.wfile.write(content)

        def log_message(self, *_):
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}/ml-100k.zip", requests
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


@pytest.fixture(autouse=True)
def _no_proxy(monkeypatch):
    monkeypatch.setenv("no_proxy", "127.0.0.1")


def archive_of(content, url, files=("u.data",)):
    return Archive(
        name="ml-100k",
        url=url,
        md5=hashlib.md5(content).hexdigest(),
        sha256=hashlib.sha256(content).hexdigest(),
        files=files,
    )


def load(archive, tmp_path, data_dir=None):
    settings = WorkloadSettings(dataset="ml-100k")
    return datasets.load(settings, data_dir, tmp_path, archives={"ml-100k": archive})


def files_in(folder):
    return sorted(str(p.relative_to(folder)) for p in folder.rglob("*") if p.is_file())


def test_an_archive_is_fetched_verified_kept_and_read(tmp_path):
    content = zip_of(u__data=RATINGS)
    with serving(content) as (url, requests):
        log = load(archive_of(content, url), tmp_path)
        again = load(archive_of(content, url), tmp_path)
    assert log.name == "ml-100k"
    assert log.catalogue.keys == ("3", "20")
    assert again.content_hash == log.content_hash
    assert requests == ["/ml-100k.zip"]
    assert files_in(tmp_path / "datasets") == ["ml-100k.zip"]
    assert not (tmp_path.parent / "escaped").exists()


def test_progress_is_told_of_every_byte(tmp_path):
    content = zip_of(u__data=RATINGS)
    told = []

    class Recorder:
        @contextmanager
        def phase(self, title, total):
            amounts = []
            told.append((title, total, amounts))
            yield amounts.append

    with serving(content) as (url, _):
        datasets.load(
            WorkloadSettings(dataset="ml-100k"),
            None,
            tmp_path,
            Recorder(),
            archives={"ml-100k": archive_of(content, url)},
        )
    title, total, amounts = told[0]
    assert "ml-100k" in title
    assert sum(amounts) == total == len(content)


def test_an_interrupted_download_leaves_nothing(tmp_path):
    class Interrupting:
        @contextmanager
        def phase(self, *_):
            def advance(*_):
                raise KeyboardInterrupt

            yield advance

    content = zip_of(u__data=RATINGS)
    with serving(content) as (url, _), pytest.raises(KeyboardInterrupt):
        datasets.load(
            WorkloadSettings(dataset="ml-100k"),
            None,
            tmp_path,
            Interrupting(),
            archives={"ml-100k": archive_of(content, url)},
        )
    assert files_in(tmp_path) == []


def failure(archive, tmp_path, data_dir=None):
    with pytest.raises(WorkloadError) as caught:
        load(archive, tmp_path, data_dir)
    assert files_in(tmp_path) == []
    message = str(caught.value)
    assert "\n" not in message
    assert archive.url in message
    assert str(tmp_path / "datasets" / "ml-100k.zip") in message
    assert "LSC_DATA/ml-100k" in message
    return message


def test_a_download_that_breaks_off_leaves_nothing(tmp_path):
    content = zip_of(u__data=RATINGS)
    with serving(content[:-40], announced=len(content)) as (url, _):
        message = failure(archive_of(content, url), tmp_path)
    assert f"after {len(content) - 40} of {len(content)} bytes" in message


def test_a_corrupt_download_leaves_nothing(tmp_path):
    content = zip_of(u__data=RATINGS)
    with serving(content[:-1] + b"!") as (url, _):
        assert "sha256" in failure(archive_of(content, url), tmp_path)


@pytest.mark.parametrize("algorithm", ["md5", "sha256"])
def test_both_checksums_must_agree(tmp_path, algorithm):
    content = zip_of(u__data=RATINGS)
    with serving(content) as (url, _):
        archive = replace(archive_of(content, url), **{algorithm: "0" * 32})
        assert f"{algorithm} {hashlib.new(algorithm, content).hexdigest()}" in failure(
            archive, tmp_path
        )


def test_a_server_that_refuses_is_quoted(tmp_path):
    with serving(b"gone", status=404) as (url, _):
        assert "404 Not Found" in failure(archive_of(b"", url), tmp_path)


def test_offline_says_where_to_put_the_file(tmp_path):
    with serving(b"") as (url, _):
        pass  # the port is closed again
    message = failure(archive_of(b"", url), tmp_path, data_dir=tmp_path)
    assert f"LSC_DATA is {tmp_path}" in message
    assert "refused" in message


def test_an_archive_put_into_the_cache_by_hand_needs_no_network(tmp_path):
    content = zip_of(u__data=RATINGS)
    (tmp_path / "datasets").mkdir()
    (tmp_path / "datasets" / "ml-100k.zip").write_bytes(content)
    assert load(archive_of(content, "http://127.0.0.1:9/never"), tmp_path).interactions == 2


def test_a_damaged_archive_in_the_cache_is_never_read(tmp_path):
    content = zip_of(u__data=RATINGS)
    kept = tmp_path / "datasets" / "ml-100k.zip"
    kept.parent.mkdir()
    kept.write_bytes(content[:-1])
    with pytest.raises(WorkloadError, match="remove it to have it fetched again") as caught:
        load(archive_of(content, "http://127.0.0.1:9/never"), tmp_path)
    assert str(kept) in str(caught.value)


def test_an_archive_without_the_expected_files_is_refused(tmp_path):
    content = zip_of(u__info=RATINGS)
    with serving(content) as (url, _), pytest.raises(WorkloadError, match=r"no ml-100k/u\.data"):
        load(archive_of(content, url), tmp_path)


def test_a_cache_that_cannot_be_written_is_named(tmp_path):
    (tmp_path / "datasets").write_text("a file where a folder should be")
    with pytest.raises(WorkloadError, match="cannot be written") as caught:
        load(archive_of(b"", "http://127.0.0.1:9/never"), tmp_path)
    assert str(tmp_path / "datasets") in str(caught.value)


def test_the_published_archives_are_those_of_grouplens():
    assert {name: archive.url.rsplit("/", 1) for name, archive in ARCHIVES.items()} == {
        name: ["https://files.grouplens.org/datasets/movielens", f"{name}.zip"]
        for name in ("ml-100k", "ml-1m")
    }
    assert all(len(archive.sha256) == 64 for archive in ARCHIVES.values())
    assert all(len(archive.md5) == 32 for archive in ARCHIVES.values())
