"""The documents of a release folder as plain values, before they are YAML."""

from __future__ import annotations

import copy
import json
from collections.abc import Mapping, Sequence
from typing import Any

from millrace.durations import duration_text
from millrace.release.documents import ArmRef
from millrace.release.layout import ARMS, ROUTE, Site
from millrace.workload.serving import Serving

RUNTIME = "millrace-onnx"
WORKLOAD_LABEL = "millrace.dev/workload"
BUNDLE_ANNOTATION = "millrace.dev/bundle"
VERSION_ANNOTATION = "millrace.dev/version"
MODE_ANNOTATION = "serving.kserve.io/deploymentMode"
SCALER_ANNOTATION = "serving.kserve.io/autoscalerClass"
INTERNAL = {"networking.kserve.io/visibility": "cluster-local"}
"""Keeps KServe from giving an arm a public route of its own, past the split and its counts."""
ARM_HEADER = "millrace-arm"
SERVICE_SUFFIX = "-predictor"
PORTS = {"HTTPRoute": 80, "GRPCRoute": 8081}
"""Port of an arm's Service by the route's kind: KServe's own, and gRPC under its own number."""
GRPC_SERVICES = ("inference.GRPCInferenceService", "grpc.health.v1.Health")
"""What predictors answer over gRPC. The GRPCRoute names them: both routes are of one host, and a
gateway gives a request to the route that says more of its path."""
GATEWAY = {"name": "millrace", "namespace": "millrace"}
SERVICE_ACCOUNT = "millrace-arm"
"""What arms run as on a cluster: it names the Secret by which bundles are fetched."""
SCALE_TARGET = 70
"""Percent of the processors that pods ask for above which more are added, unless it is said."""


def arm_arguments(workload: str, arm: ArmRef, serving: Serving) -> dict[str, str]:
    """Return the predictor's arguments for an arm, without the dashes."""
    arguments = {
        "model-name": workload,
        "version": str(arm.version),
        "digest": arm.digest,
        "latency": duration_text(serving.latency),
        "online": serving.online,
        "lookup-timeout": duration_text(serving.lookup),
    }
    if serving.defaults:
        arguments["defaults"] = json.dumps(serving.defaults, sort_keys=True, ensure_ascii=False)
    return arguments


def inference_service(
    workload: str,
    arm: ArmRef,
    serving: Serving,
    site: Site,
    *,
    like: Mapping[str, Any] | None = None,
) -> dict[str, Any]:
    """Return an arm's InferenceService.

    Args:
        workload: name of the workload.
        arm: which bundle, under which name.
        serving: how it answers.
        site: where bundles lie.
        like: the InferenceService of another arm, whose further fields are taken over, such as
            resources, tolerations and labels that people added.
    """
    service = copy.deepcopy(dict(like)) if like is not None else _empty_service()
    metadata = service.setdefault("metadata", {})
    metadata["name"] = arm.name
    metadata.setdefault("labels", {}).update({WORKLOAD_LABEL: workload, **INTERNAL})
    metadata.setdefault("annotations", {}).update(
        {BUNDLE_ANNOTATION: f"sha256:{arm.digest}", VERSION_ANNOTATION: str(arm.version)}
    )
    predictor = service["spec"]["predictor"]
    _scale(metadata["annotations"], predictor, serving)
    predictor["model"]["storageUri"] = site.storage_uri(arm.digest)
    predictor["model"]["args"] = _args(
        arm_arguments(workload, arm, serving), predictor["model"].get("args", [])
    )
    return service


def _scale(annotations: dict[str, str], predictor: dict[str, Any], serving: Serving) -> None:
    """Say how many pods there are: a fixed number, or as many as they need within bounds."""
    predictor["minReplicas"] = serving.replicas
    predictor["maxReplicas"] = serving.maxReplicas or serving.replicas
    if serving.maxReplicas is None:
        annotations[SCALER_ANNOTATION] = "none"
        predictor.pop("scaleMetric", None)
        predictor.pop("scaleTarget", None)
    else:
        annotations.pop(SCALER_ANNOTATION, None)
        predictor["scaleMetric"] = "cpu"
        predictor["scaleTarget"] = serving.scaleTarget or SCALE_TARGET


def _empty_service() -> dict[str, Any]:
    return {
        "apiVersion": "serving.kserve.io/v1beta1",
        "kind": "InferenceService",
        "metadata": {"name": "", "labels": {}, "annotations": {MODE_ANNOTATION: "Standard"}},
        "spec": {
            "predictor": {
                "serviceAccountName": SERVICE_ACCOUNT,
                "minReplicas": 1,
                "maxReplicas": 1,
                "model": {
                    "modelFormat": {"name": RUNTIME, "version": "1"},
                    "runtime": RUNTIME,
                    "protocolVersion": "v2",
                    "storageUri": "",
                    "args": [],
                },
            }
        },
    }


def _args(ours: Mapping[str, str], present: Sequence[str]) -> list[str]:
    """Return our arguments, then those of the present ones that are not ours."""
    known = {*ours, "defaults"}
    foreign = [a for a in present if a.removeprefix("--").partition("=")[0] not in known]
    return [*(f"--{name}={value}" for name, value in ours.items()), *foreign]


def backend(arm: str, kind: str, weight: int) -> dict[str, Any]:
    """Return an arm as the backend of a route of a kind."""
    header = {"name": ARM_HEADER, "value": arm}
    return {
        "name": f"{arm}{SERVICE_SUFFIX}",
        "port": PORTS[kind],
        "weight": weight,
        "filters": [{"type": "RequestHeaderModifier", "requestHeaderModifier": {"set": [header]}}],
    }


def grpc_matches() -> list[dict[str, Any]]:
    """Return the matches of a GRPCRoute: every call that a predictor answers."""
    return [{"method": {"service": service}} for service in GRPC_SERVICES]


def routes(workload: str, weights: Mapping[str, int], site: Site) -> list[dict[str, Any]]:
    """Return the HTTPRoute and the GRPCRoute that split a workload's traffic."""
    names = {"HTTPRoute": workload, "GRPCRoute": f"{workload}-grpc"}
    return [
        {
            "apiVersion": "gateway.networking.k8s.io/v1",
            "kind": kind,
            "metadata": {"name": name, "labels": {WORKLOAD_LABEL: workload}},
            "spec": {
                "parentRefs": [dict(GATEWAY)],
                "hostnames": [site.hostname(workload)],
                "rules": [
                    {
                        "backendRefs": [backend(arm, kind, w) for arm, w in weights.items()],
                        **({"matches": grpc_matches()} if kind == "GRPCRoute" else {}),
                    },
                ],
            },
        }
        for kind, name in names.items()
    ]


def kustomization(arms: Sequence[str]) -> dict[str, Any]:
    """Return the kustomization of a workload's folder."""
    return {
        "apiVersion": "kustomize.config.k8s.io/v1beta1",
        "kind": "Kustomization",
        "resources": [*(f"{ARMS}/{arm}.yaml" for arm in arms), ROUTE],
    }
