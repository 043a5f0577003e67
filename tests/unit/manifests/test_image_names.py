"""The manifests name images as `make images` builds them."""

import json
import re

import pytest
from overlays import ROOT, overlay, values

from tools.images.roles import CLUSTER, image_name


@pytest.mark.parametrize(
    ("name", "roles"), [("kind", CLUSTER), ("production", ["serving", "rollout"])]
)
def test_the_images_are_pulled_under_the_names_that_make_images_gives_them(
    name: str, roles: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(ROOT)
    registry = values(name).get("images", {}).get("registry", "")
    monkeypatch.setenv("MILLRACE_REGISTRY", registry)
    pulled = set(re.findall(r'"image": "([^"]+)"', json.dumps(overlay(name))))
    ours = {one for one in pulled if re.search(rf"/({'|'.join(CLUSTER)}):", one)}
    assert ours == {image_name(role) for role in roles}
