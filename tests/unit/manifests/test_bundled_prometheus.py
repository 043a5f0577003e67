"""The Prometheus of one machine answers whoever reaches its port."""

from overlays import of_kind


def test_nobody_ends_or_reloads_the_bundled_prometheus_by_http() -> None:
    found = {one["metadata"]["name"]: one for one in of_kind("kind", "StatefulSet")}
    container = found["millrace-prometheus"]["spec"]["template"]["spec"]["containers"][0]
    assert container["name"] == "prometheus"
    allowed = [one for one in container["args"] if one.startswith("--web.enable")]
    assert allowed == []
