"""The parts of Kubernetes documents that the platform reads; whatever else they say is kept."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, StringConstraints

Name = Annotated[str, StringConstraints(pattern=r"^[a-z0-9]([a-z0-9.-]{0,251}[a-z0-9])?$")]


class Shape(BaseModel):
    """A part of a Kubernetes document; keys that it does not know are other people's."""

    model_config = ConfigDict(extra="ignore", frozen=True, strict=True)


class Metadata(Shape):
    """Name, labels and annotations of an object."""

    name: Name
    labels: dict[str, str] = {}
    annotations: dict[str, str] = {}


class ModelShape(Shape):
    """The model of a predictor."""

    storageUri: str  # noqa: N815
    runtime: str
    args: list[str] = []


class PredictorShape(Shape):
    """What serves an InferenceService."""

    minReplicas: int = Field(1, ge=1)  # noqa: N815
    model: ModelShape


class InferenceServiceSpec(Shape):
    """What an InferenceService wants."""

    predictor: PredictorShape


class InferenceServiceShape(Shape):
    """An InferenceService of KServe."""

    apiVersion: Literal["serving.kserve.io/v1beta1"]  # noqa: N815
    kind: Literal["InferenceService"]
    metadata: Metadata
    spec: InferenceServiceSpec


class HeaderShape(Shape):
    """A header that is set."""

    name: str
    value: str


class HeaderModifier(Shape):
    """What is done to the headers of a request."""

    set: list[HeaderShape] = []


class Fraction(Shape):
    """A share of the requests."""

    numerator: int = Field(ge=0, lt=2**31)
    denominator: int = Field(100, ge=1, lt=2**31)


class MirrorTarget(Shape):
    """The Service that gets a copy of requests."""

    name: Name
    port: int = Field(ge=1, le=65535)


class MirrorShape(Shape):
    """Send a copy of some requests elsewhere and forget the answers."""

    backendRef: MirrorTarget  # noqa: N815
    percent: int | None = Field(None, ge=0, le=100)
    fraction: Fraction | None = None


class FilterShape(Shape):
    """What happens to a request on its way."""

    type: str
    requestHeaderModifier: HeaderModifier | None = None  # noqa: N815
    requestMirror: MirrorShape | None = None  # noqa: N815


class BackendShape(Shape):
    """One Service that requests go to."""

    name: Name
    port: int = Field(ge=1, le=65535)
    weight: int = Field(ge=0, le=100)
    filters: list[FilterShape] = []


class Timeouts(Shape):
    """How long requests may take."""

    request: str | None = None


class RuleShape(Shape):
    """Where requests go."""

    backendRefs: Annotated[list[BackendShape], Field(min_length=1)]  # noqa: N815
    filters: list[FilterShape] = []
    timeouts: Timeouts | None = None


class RouteSpec(Shape):
    """What a route wants."""

    hostnames: Annotated[list[str], Field(min_length=1)]
    rules: Annotated[list[RuleShape], Field(min_length=1, max_length=1)]


class RouteShape(Shape):
    """An HTTPRoute or a GRPCRoute of the Gateway API."""

    apiVersion: Literal["gateway.networking.k8s.io/v1"]  # noqa: N815
    kind: Literal["HTTPRoute", "GRPCRoute"]
    metadata: Metadata
    spec: RouteSpec


class KustomizationShape(Shape):
    """A kustomization; only its list of files matters here."""

    apiVersion: Literal["kustomize.config.k8s.io/v1beta1"]  # noqa: N815
    kind: Literal["Kustomization"]
    resources: list[Any] = []
