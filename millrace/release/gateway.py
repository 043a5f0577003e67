"""The routes of a release folder, read strictly where the platform relies on them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from millrace.errors import ReleaseError
from millrace.located import Place, YamlDocument
from millrace.release.parsing import documents_of, shaped
from millrace.release.rendering import ARM_HEADER, PORTS, SERVICE_SUFFIX
from millrace.release.shapes import BackendShape, FilterShape, MirrorShape, RouteShape


@dataclass(frozen=True)
class Backend:
    """An arm's part in a route: percent of all requests, and the port of its Service."""

    arm: str
    port: int
    weight: int


@dataclass(frozen=True)
class Mirror:
    """A Service that gets copies of requests: of this percentage of them."""

    service: str
    port: int
    percent: float

    @property
    def arm(self) -> str:
        """Return the arm whose Service it is, if it is an arm's."""
        return self.service.removesuffix(SERVICE_SUFFIX)


@dataclass(frozen=True)
class Route:
    """An HTTPRoute or a GRPCRoute.

    Attributes:
        kind: `HTTPRoute` or `GRPCRoute`.
        name: its name.
        hostnames: for which hosts it answers.
        backends: the arms, in order.
        mirrors: who gets copies.
        timeout: of a request, as Gateway API writes it, such as `10s`; None if there is none.
    """

    kind: str
    name: str
    hostnames: tuple[str, ...]
    backends: tuple[Backend, ...]
    mirrors: tuple[Mirror, ...] = ()
    timeout: str | None = None

    def weights(self) -> dict[str, int]:
        """Return percent of all requests by arm."""
        return {backend.arm: backend.weight for backend in self.backends}


def parse_routes(content: bytes, file: str) -> tuple[Route, Route]:
    """Return the HTTPRoute and the GRPCRoute of a route file.

    Raises:
        ReleaseError: one is missing or broken, or they do not split the traffic alike.
    """
    found: dict[str, tuple[Route, YamlDocument]] = {}
    for document in documents_of(content, file):
        route = _route(document)
        if route.kind in found:
            raise ReleaseError(f"a second {route.kind}", where=document.where(), remedy="keep one")
        found[route.kind] = (route, document)
    for kind in PORTS:
        if kind not in found:
            raise ReleaseError(
                f"the {kind} is missing",
                where=file,
                found=", ".join(found) or "nothing",
                expected="an HTTPRoute and a GRPCRoute",
                remedy="restore it from Git's history: both split the traffic alike",
            )
    (http, _), (grpc, document) = found["HTTPRoute"], found["GRPCRoute"]
    if http.weights() != grpc.weights():
        raise ReleaseError(
            "HTTPRoute and GRPCRoute split the traffic differently",
            where=document.where(("spec", "rules", 0, "backendRefs")),
            found=weights_text(grpc.weights()),
            expected=f"{weights_text(http.weights())}, as the HTTPRoute says",
            remedy="change both together",
        )
    if http.hostnames != grpc.hostnames:
        raise ReleaseError(
            "HTTPRoute and GRPCRoute answer for different hosts",
            where=document.where(("spec", "hostnames")),
            found=", ".join(grpc.hostnames),
            expected=f"{', '.join(http.hostnames)}, as the HTTPRoute says",
            remedy="change both together",
        )
    return http, grpc


def weights_text(weights: Mapping[str, int]) -> str:
    """Return weights as people read them, such as `churn-v7 95 %, churn-v8 5 %`."""
    return ", ".join(f"{arm} {weight} %" for arm, weight in weights.items())


def _route(document: YamlDocument) -> Route:
    shape = shaped(document, RouteShape)
    rule = shape.spec.rules[0]
    place: Place = ("spec", "rules", 0, "backendRefs")
    backends = tuple(
        _backend(found, shape.kind, document, (*place, index))
        for index, found in enumerate(rule.backendRefs)
    )
    arms = [backend.arm for backend in backends]
    twice = next((index for index, arm in enumerate(arms) if arm in arms[:index]), None)
    if twice is not None:
        raise ReleaseError(
            f"the arm {arms[twice]} stands here a second time",
            where=document.where((*place, twice)),
            remedy="keep one of them",
        )
    total = sum(backend.weight for backend in backends)
    if total != 100:
        raise ReleaseError(
            f"the weights of the {shape.kind} do not add up to 100",
            where=document.where(place),
            found=f"{' + '.join(str(b.weight) for b in backends)} = {total}",
            expected="100: a weight is percent of all requests",
            remedy="mend the weights of both routes",
        )
    return Route(
        kind=shape.kind,
        name=shape.metadata.name,
        hostnames=tuple(shape.spec.hostnames),
        backends=backends,
        mirrors=tuple(_mirrors(rule.filters)),
        timeout=rule.timeouts.request if rule.timeouts else None,
    )


def _backend(found: BackendShape, kind: str, document: YamlDocument, place: Place) -> Backend:
    arm = found.name.removesuffix(SERVICE_SUFFIX)
    if arm == found.name:
        raise ReleaseError(
            "a backend is no arm's Service",
            where=document.where((*place, "name")),
            found=found.name,
            expected=f"the name of an arm and {SERVICE_SUFFIX}",
        )
    if found.port != PORTS[kind]:
        raise ReleaseError(
            f"the {kind} names another port of {found.name}",
            where=document.where((*place, "port")),
            found=str(found.port),
            expected=str(PORTS[kind]),
        )
    headers = {
        header.name.lower(): header.value
        for one in found.filters
        if one.requestHeaderModifier
        for header in one.requestHeaderModifier.set
    }
    if headers.get(ARM_HEADER) != arm:
        raise ReleaseError(
            f"the backend {found.name} does not set the header {ARM_HEADER} to its arm",
            where=document.where(place),
            found=headers.get(ARM_HEADER, ""),
            expected=f"a RequestHeaderModifier that sets {ARM_HEADER} to {arm}",
            remedy="without it gateways count all arms as one",
        )
    return Backend(arm=arm, port=found.port, weight=found.weight)


def _mirrors(filters: list[FilterShape]) -> list[Mirror]:
    mirrors = [one.requestMirror for one in filters if one.requestMirror is not None]
    return [Mirror(m.backendRef.name, m.backendRef.port, _percent(m)) for m in mirrors]


def _percent(mirror: MirrorShape) -> float:
    if mirror.fraction is not None:
        return 100 * mirror.fraction.numerator / mirror.fraction.denominator
    return 100.0 if mirror.percent is None else float(mirror.percent)
