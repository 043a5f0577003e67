"""What the controller asks a Kubernetes API: InferenceServices and their pods, by namespace."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from millrace.errors import MillraceError

if TYPE_CHECKING:
    from kubernetes.client import ApiClient

ARM_LABEL = "serving.kserve.io/inferenceservice"
"""Label of an arm's pods: its InferenceService's name."""
_SERVICES = "/apis/serving.kserve.io/v1beta1/namespaces/{}/inferenceservices"
_PODS = "/api/v1/namespaces/{}/pods"
_NOWHERE = "run it in a pod with a service account, or set KUBECONFIG"
_REMEDIES = {
    401: "see that the service account's token is mounted",
    403: "let its service account list inferenceservices and pods in this namespace",
    404: "install KServe: the cluster knows no InferenceServices",
}

Object = Mapping[str, Any]
"""An object of the API, as its JSON says."""


class KubernetesError(MillraceError):
    """The Kubernetes API does not answer, or not as expected."""


class KubernetesApi:
    """Lists of one cluster's API; the least that readiness needs."""

    def __init__(self, client: ApiClient, timeout: float) -> None:
        """Take a client that knows where the API is, and the seconds that it may take."""
        self._client = client
        self._timeout = timeout

    def services(self, namespace: str) -> Sequence[Object]:
        """Return the InferenceServices of a namespace.

        Raises:
            KubernetesError: the API does not answer, or not as expected.
        """
        return self._list(_SERVICES.format(namespace))

    def pods(self, namespace: str) -> Sequence[Object]:
        """Return the pods of all arms in a namespace.

        Raises:
            KubernetesError: the API does not answer, or not as expected.
        """
        return self._list(_PODS.format(namespace), labelSelector=ARM_LABEL)

    def _list(self, path: str, **query: str) -> Sequence[Object]:
        from kubernetes.client import ApiException
        from urllib3.exceptions import HTTPError

        try:
            answer, _, _ = self._client.call_api(
                path,
                "GET",
                query_params=list(query.items()),
                header_params={"Accept": "application/json"},
                auth_settings=["BearerToken"],
                _preload_content=False,
                _request_timeout=self._timeout,
            )
            items = [dict(one) for one in json.loads(answer.data)["items"]]
        except ApiException as error:
            raise KubernetesError(
                f"the Kubernetes API answers with HTTP status {error.status}",
                where=path,
                remedy=_REMEDIES.get(error.status, "see what it logs"),
            ) from None
        except (HTTPError, OSError) as error:
            raise KubernetesError(
                f"the Kubernetes API does not answer: {type(error).__name__}",
                where=f"{self._client.configuration.host}{path}",
                remedy="see that it runs and that this pod may reach it",
            ) from None
        except (ValueError, KeyError, TypeError) as error:
            raise KubernetesError(
                "this is not the answer of a Kubernetes API",
                where=f"{self._client.configuration.host}{path}",
                remedy=_NOWHERE,
            ) from error
        return items


def open_kubernetes(timeout: float) -> KubernetesApi:
    """Return the API of the cluster that this pod runs in; outside, that of KUBECONFIG.

    Raises:
        KubernetesError: there is none.
    """
    from kubernetes import client, config

    configuration = client.Configuration()
    try:
        try:
            config.load_incluster_config(client_configuration=configuration)
        except config.ConfigException:
            config.load_kube_config(client_configuration=configuration)
    except (config.ConfigException, OSError, ValueError, TypeError, KeyError) as error:
        raise KubernetesError(
            "there is no Kubernetes cluster to ask", found=str(error), remedy=_NOWHERE
        ) from error
    configuration.retries = 1  # a connection that was kept may have been closed
    return KubernetesApi(client.ApiClient(configuration), timeout)
