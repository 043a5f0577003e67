"""Tell Prometheus which pods to scrape, as files: Debian's build has no discovery of Kubernetes."""

import json
import ssl
import sys
import time
import urllib.request
from pathlib import Path
from typing import Any
from urllib.parse import quote

API = "https://kubernetes.default.svc"
ACCOUNT = Path("/var/run/secrets/kubernetes.io/serviceaccount")
LABELS = {
    "arm": "serving.kserve.io/inferenceservice",
    "workload": "millrace.dev/workload",
}
SECONDS = 2.0


def pods(namespace: str, selector: str) -> list[dict[str, Any]]:
    """Return the pods of a namespace that labels select."""
    request = urllib.request.Request(
        f"{API}/api/v1/namespaces/{namespace}/pods?labelSelector={quote(selector)}",
        headers={"Authorization": f"Bearer {(ACCOUNT / 'token').read_text()}"},
    )
    context = ssl.create_default_context(cafile=str(ACCOUNT / "ca.crt"))
    with urllib.request.urlopen(request, timeout=10, context=context) as answer:
        found: list[dict[str, Any]] = json.load(answer)["items"]
    return found


def targets(pod: dict[str, Any], port: str) -> list[dict[str, Any]]:
    """Return the target of a pod: its port of this name, if it runs."""
    address, metadata = pod["status"].get("podIP"), pod["metadata"]
    known = {name: metadata["labels"].get(label, "") for name, label in LABELS.items()}
    return [
        {
            "targets": [f"{address}:{one['containerPort']}"],
            "labels": {
                "namespace": metadata["namespace"],
                "pod": metadata["name"],
                **{name: value for name, value in known.items() if value},
            },
        }
        for container in pod["spec"]["containers"]
        for one in container.get("ports", [])
        if one.get("name") == port and address and pod["status"]["phase"] == "Running"
    ]


def main() -> None:
    """Write a file for each job, over and over."""
    folder, jobs = Path(sys.argv[1]), json.loads(sys.argv[2])
    while True:
        for job in jobs:
            try:
                found = [
                    target
                    for namespace in job["namespaces"]
                    for pod in pods(namespace, job["selector"])
                    for target in targets(pod, job["port"])
                ]
            except OSError as error:
                print(f"{job['name']}: {error}", flush=True)
                continue
            draft = folder / f".{job['name']}"
            draft.write_text(json.dumps(found))
            draft.replace(folder / f"{job['name']}.json")
        time.sleep(SECONDS)


if __name__ == "__main__":
    main()
