import pytest

from workloads import datasets
from workloads.errors import WorkloadError
from workloads.synthetic.settings import SyntheticSettings
from workloads.workload_settings import WorkloadSettings


def load(dataset, data_dir, cache_dir, **settings):
    return datasets.load(WorkloadSettings(dataset=dataset, **settings), data_dir, cache_dir)


@pytest.fixture
def shop(tmp_path):
    folder = tmp_path / "data" / "shop"
    folder.mkdir(parents=True)
    (folder / "Shop.txt").write_text("1 2 3\n")
    return folder


def test_a_name_is_looked_up_in_the_data_directory(shop, tmp_path):
    assert load("shop", shop.parent, tmp_path).name == "shop"


def test_a_path_is_read_directly(shop, tmp_path):
    assert load(str(shop), None, tmp_path).interactions == 2
    assert load(str(shop / "Shop.txt"), None, tmp_path).name == "Shop"


def test_a_relative_path_that_exists_needs_no_slash(shop, tmp_path, monkeypatch):
    monkeypatch.chdir(shop.parent)
    assert load("shop", None, tmp_path).interactions == 2


def test_the_data_directory_comes_before_a_download(shop, tmp_path):
    shop.rename(shop.parent / "ml-100k")
    assert load("ml-100k", shop.parent, tmp_path).interactions == 2


def test_synthetic_needs_no_file(tmp_path):
    small = SyntheticSettings(
        users=3, items=30, categories=4, length_min=5, length_median=6, length_max=9
    )
    log = load("synthetic", None, tmp_path, synthetic=small, seed=5)
    assert (log.name, log.users, len(log.catalogue)) == ("synthetic", 3, 30)


def test_an_unknown_name_says_what_there_is_and_what_was_meant(shop, tmp_path):
    with pytest.raises(WorkloadError) as caught:
        load("ml-100", shop.parent, tmp_path)
    message = str(caught.value)
    assert caught.value.key == "workload.dataset"
    assert "did you mean 'ml-100k'?" in message
    for known in ("synthetic", "ml-1m", "shop", str(shop.parent)):
        assert known in message


def test_a_name_from_the_data_directory_is_suggested_too(shop, tmp_path):
    with pytest.raises(WorkloadError, match="did you mean 'shop'"):
        load("shops", shop.parent, tmp_path)


def test_an_unknown_name_without_a_data_directory_says_that_it_is_not_set(tmp_path):
    with pytest.raises(WorkloadError, match="LSC_DATA is not set"):
        load("netflix", None, tmp_path)
    with pytest.raises(WorkloadError, match="nowhere is no folder"):
        load("netflix", tmp_path / "nowhere", tmp_path)


def test_a_known_data_set_that_cannot_be_fetched_says_what_to_put_where(tmp_path):
    with pytest.raises(WorkloadError, match=r"put Beauty\.txt .* into LSC_DATA/amazon-beauty"):
        load("amazon-beauty", tmp_path, tmp_path)


def test_a_path_to_nothing_is_an_error(tmp_path):
    with pytest.raises(WorkloadError, match=r"nothing: there is no such file"):
        load(str(tmp_path / "nothing"), None, tmp_path)


def test_a_folder_in_no_known_layout_says_which_are_accepted(tmp_path):
    (tmp_path / "notes.md").write_text("hello")
    with pytest.raises(WorkloadError, match=r"accepted: GroupLens.*RecBole.*sequence file"):
        load(str(tmp_path), None, tmp_path)


def test_movielens_100k(data_dir, tmp_path):
    log = load("ml-100k", data_dir, tmp_path)
    assert (log.users, len(log.catalogue), log.interactions) == (943, 1682, 100_000)
    assert log.user_keys[:3] == ("1", "2", "3")
    assert log.catalogue.titles[0] == "Toy Story"
    assert "Comedy" in log.catalogue.attributes[0]
    assert all(
        (log.history_times_s(user)[1:] >= log.history_times_s(user)[:-1]).all()
        for user in range(log.users)
    )


def test_amazon_beauty(data_dir, tmp_path):
    log = load("amazon-beauty", data_dir, tmp_path)
    assert (log.users, len(log.catalogue), log.interactions) == (22_363, 12_101, 198_502)
    assert log.times_s is None
    first = [log.catalogue.keys[item] for item in log.history(1)]
    assert first == ["6", "7", "8", "9", "10", "4", "11"]
    assert all(log.catalogue.attributes)
