"""What a served model asks for, as its own metadata say."""

from __future__ import annotations

import json
from dataclasses import dataclass

from millrace.errors import ServingError
from serving.traffic.target import Target, ask


@dataclass(frozen=True)
class ServedModel:
    """A model behind a target.

    Attributes:
        name: its name in paths.
        digest: digest of the bundle that the arm which answered serves.
        types: datatype of each feature by name.
    """

    name: str
    digest: str
    types: dict[str, str]


async def served_model(target: Target, name: str) -> ServedModel:
    """Ask a target for a model.

    Raises:
        ServingError: nobody answers, or nobody serves the model there.
    """
    answer = await ask(target, f"/v2/models/{name}")
    if answer.status != 200:
        raise ServingError(
            f"the model {name!r} is not served here",
            where=target.url,
            found=f"status {answer.status}",
            remedy="release it first: `millrace pr list` shows what waits, `millrace status` "
            "what serves",
        )
    try:
        told = json.loads(answer.body)
        types = {tensor["name"]: tensor["datatype"] for tensor in told["inputs"]}
        return ServedModel(name, told["properties"]["bundle_digest"], types)
    except (ValueError, KeyError, TypeError) as error:
        raise ServingError(
            "the metadata of the model are not those of a Millrace predictor",
            where=f"{target.url}/v2/models/{name}",
            expected="properties.bundle_digest and inputs",
        ) from error
