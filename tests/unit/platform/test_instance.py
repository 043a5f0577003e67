"""The platform's lock: whoever holds it notices that its file is gone."""

import shutil
from pathlib import Path

from millrace.settings import Settings
from serving.local.instance import only_platform, running


def test_the_lock_is_held_as_long_as_its_file_is_there(tmp_path: Path) -> None:
    with only_platform(Settings(home=tmp_path)) as hold:
        assert not hold.lost
        assert running(Settings(home=tmp_path))


def test_a_home_that_is_deleted_takes_the_lock_with_it(tmp_path: Path) -> None:
    home = tmp_path / "home"
    with only_platform(Settings(home=home)) as hold:
        shutil.rmtree(home)
        assert hold.lost


def test_a_file_in_a_place_that_became_a_file_is_gone_too(tmp_path: Path) -> None:
    home = tmp_path / "home"
    with only_platform(Settings(home=home)) as hold:
        shutil.rmtree(home)
        home.write_text("not a folder")
        assert hold.lost


def test_the_lock_of_another_platform_in_the_same_place_is_not_ours(tmp_path: Path) -> None:
    home = tmp_path / "home"
    with only_platform(Settings(home=home)) as hold:
        home.rename(tmp_path / "away")
        with only_platform(Settings(home=home)) as other:
            assert hold.lost
            assert not other.lost
