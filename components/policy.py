"""How KFP shall run a component: its role's image, its resources, its retries, its cache."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Literal

from kfp import dsl

Role = Literal["pipeline", "training"]

DEFAULT_IMAGES: dict[Role, str] = {
    "pipeline": "millrace/pipeline:0.1.0",
    "training": "millrace/training:0.1.0",
}


@dataclass(frozen=True)
class Policy:
    """How one component runs.

    Attributes:
        role: whose environment it needs.
        cached: whether the same inputs may reuse an earlier result.
        cpu: cores that it asks for and is limited to.
        memory: memory that it asks for and is limited to.
        retries: how often KFP starts it again after a failure.
        timeout: seconds after which it is ended.
    """

    role: Role
    cached: bool
    cpu: str = "1"
    memory: str = "2Gi"
    retries: int = 0
    timeout: int = 1800


def component(policy: Policy) -> Callable[[Callable[..., Any]], Any]:
    """Return a decorator that makes a KFP component of a function, in its role's image.

    The images carry kfp and Millrace, so nothing is installed when a step starts.
    """

    def decorate(function: Callable[..., Any]) -> Any:
        made = dsl.component(base_image=DEFAULT_IMAGES[policy.role], install_kfp_package=False)(
            function
        )
        made.policy = policy
        return made

    return decorate


def place(task: dsl.PipelineTask, policy: Policy, images: Mapping[Role, str]) -> dsl.PipelineTask:
    """Give a task its image, resources, retries, timeout and cache settings."""
    task.set_container_image(images[policy.role])
    task.set_cpu_request(policy.cpu).set_cpu_limit(policy.cpu)
    task.set_memory_request(policy.memory).set_memory_limit(policy.memory)
    task.set_env_variable("MILLRACE_STEP_TIMEOUT", str(policy.timeout))
    task.set_caching_options(policy.cached)
    if policy.retries:
        task.set_retry(policy.retries, backoff_duration="2s", backoff_factor=2)
    return task
