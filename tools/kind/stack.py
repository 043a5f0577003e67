"""What the platform stands on: Gateway API, Envoy Gateway, cert-manager, KServe."""

from __future__ import annotations

from pathlib import Path

from tools.kind.charts import install_chart
from tools.kind.cluster import Cluster
from tools.kind.dependencies import Dependencies
from tools.kind.diagnosis import telling_why
from tools.kind.progress import step

DOMAIN = "millrace.localhost"
_TOOK = ("--wait", "--timeout", "5m")


def install_definitions(cluster: Cluster, of: Dependencies) -> None:
    """Install the custom resources of Gateway API, Envoy Gateway and KServe."""
    with step("custom resources"):
        for place in (of.gateway_api, of.envoy_gateway_crds, of.kserve_crds):
            _apply(cluster, place)


def install_gateway(cluster: Cluster, of: Dependencies) -> None:
    """Install Envoy Gateway."""
    with step("Envoy Gateway"), telling_why(cluster, "envoy-gateway-system"):
        install_chart(
            cluster,
            "eg",
            "envoy-gateway-system",
            *(*of.envoy_gateway.words, "--create-namespace", "--skip-crds"),
            *("--set", "config.envoyGateway.extensionApis.enableEnvoyPatchPolicy=true"),
            *("--set", "deployment.envoyGateway.resources.requests.cpu=20m"),
            *_TOOK,
        )


def install_kserve(cluster: Cluster, of: Dependencies) -> None:
    """Install cert-manager, which KServe's webhooks want, and KServe."""
    with step("cert-manager"), telling_why(cluster, "cert-manager"):
        install_chart(
            cluster,
            "cert-manager",
            "cert-manager",
            *(*of.cert_manager.words, "--create-namespace"),
            *("--set", "installCRDs=true"),
            *_TOOK,
        )
    settings = {
        "kserve.controller.deploymentMode": "Standard",
        "kserve.controller.resources.requests.cpu": "20m",
        "kserve.controller.rbacProxy.resources.requests.cpu": "10m",
        "kserve.controller.imagePullPolicy": "IfNotPresent",
        "kserve.controller.gateway.domain": DOMAIN,
        "kserve.controller.gateway.ingressGateway.enableGatewayApi": "true",
        "kserve.controller.gateway.ingressGateway.kserveGateway": "millrace/millrace",
        "kserve.storage.containerSecurityContext.seccompProfile.type": "RuntimeDefault",
    }
    with step("KServe"), telling_why(cluster, "kserve"):
        install_chart(
            cluster,
            "kserve",
            "kserve",
            *(*of.kserve.words, "--create-namespace"),
            *(word for key, value in settings.items() for word in ("--set", f"{key}={value}")),
            *_TOOK,
        )


def _apply(cluster: Cluster, place: str) -> None:
    """Apply a manifest, a folder of them, or a kustomization, wherever it is."""
    kustomization = Path(place, "kustomization.yaml").is_file() or "?ref=" in place
    text = cluster.kubectl("kustomize", place, quiet=True) if kustomization else None
    cluster.kubectl(
        *("apply", "--server-side", "--force-conflicts", "--filename", "-" if text else place),
        given=text,
    )
