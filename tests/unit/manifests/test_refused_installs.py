"""What the chart refuses before anything changes, beside wrong values; Helm itself tells."""

from helm_chart import rendered


def test_a_namespace_that_routes_do_not_name_is_refused() -> None:
    done = rendered(namespace="mlops")
    assert done.returncode != 0
    assert "--namespace: found mlops, expected millrace" in done.stderr


def test_pods_that_scrape_are_taken_to_run_beside_the_platform_unless_it_is_said() -> None:
    done = rendered("--show-only", "templates/network.yaml")
    assert done.returncode == 0, done.stderr
    assert '"kubernetes.io/metadata.name":""' not in done.stdout
    assert '"kubernetes.io/metadata.name":"millrace"' in done.stdout
