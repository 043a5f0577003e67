"""What a bundle's model asks for and answers: features, the keys that find them, and outputs."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Literal

from millrace.export.manifest import OUTPUT
from millrace.features.lookup import JoinKey, LookupPlan, ViewLookup
from millrace.registry.card import Card

Kind = Literal["number", "category"]


@dataclass(frozen=True)
class Input:
    """One input of the model: a feature.

    A number is float32 with NaN for missing, a category is text with '' for missing; both are
    arrays of shape [n, 1].
    """

    name: str
    kind: Kind
    view: str
    """Feature view that it comes from; none of the plan's if only requests bring it."""

    @property
    def datatype(self) -> str:
        """Return the Open Inference Protocol's name of its type."""
        return "FP32" if self.kind == "number" else "BYTES"


@dataclass(frozen=True)
class Output:
    """One output of the model: float32, its first dimension the rows."""

    name: str
    shape: tuple[int, ...]
    """The other dimensions; -1 for one that is not fixed."""


PREDICTION = Output(OUTPUT, (1,))
"""The output that every model has: one number a row."""


@dataclass(frozen=True)
class Signature:
    """The inputs and outputs of a model, and the entity keys that stand for inputs in the store.

    A text that requests bring may be both: what it says is the feature and finds other features.
    """

    inputs: tuple[Input, ...]
    """Features in the order of the card."""
    plan: LookupPlan
    edges: tuple[float, ...] = ()
    """Inner edges of the bins in which scores are counted; k edges make k + 1 bins."""
    outputs: tuple[Output, ...] = (PREDICTION,)
    """What it answers, the prediction first."""
    features: dict[str, Input] = field(init=False)
    keys: dict[str, JoinKey] = field(init=False)
    """Join keys of the plan by name, in the order of the plan."""
    views: dict[str, ViewLookup] = field(init=False)
    """Views that bring features of this model, by name."""

    def __post_init__(self) -> None:
        """Index the parts by their names."""
        named = {view.view: view for view in self.plan.views}
        used = dict.fromkeys(feature.view for feature in self.inputs)
        put = object.__setattr__
        put(self, "features", {feature.name: feature for feature in self.inputs})
        put(self, "views", {name: named[name] for name in used if name in named})
        put(self, "keys", {k.name: k for view in self.views.values() for k in view.join_keys})

    @property
    def several(self) -> bool:
        """Return whether there are more outputs than the prediction."""
        return len(self.outputs) > 1

    @cached_property
    def names(self) -> frozenset[str]:
        """Return the names of all features."""
        return frozenset(self.features)

    @cached_property
    def known(self) -> tuple[str, ...]:
        """Return the names of all that a request may bring: features, then keys."""
        return tuple(dict.fromkeys((*self.features, *self.keys)))

    @cached_property
    def shared(self) -> tuple[str, ...]:
        """Return the names of the features that are keys too."""
        return tuple(name for name in self.keys if name in self.features)

    @cached_property
    def lookups(self) -> Mapping[str, ViewLookup]:
        """Return, for each feature that the online store can bring, the view that brings it."""
        return {
            feature.name: view
            for feature in self.inputs
            if (view := self.views.get(feature.view)) is not None
            and any(field.name == feature.name for field in view.fields)
        }


def signature_of(card: Card, plan: LookupPlan, outputs: tuple[Output, ...]) -> Signature:
    """Return the signature of a bundle, the outputs of whose model are known.

    Scores are counted in the comparison bins, which are the champion's; a bundle that was compared
    with none counts in its own.
    """
    return Signature(
        inputs=tuple(Input(feature.name, feature.kind, feature.view) for feature in card.inputs),
        plan=plan,
        edges=tuple(card.counting_bins.edges),
        outputs=outputs,
    )
