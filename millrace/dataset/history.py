"""Ask Feast what the features of each row were at its time."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc

from millrace.dataset.manifest import Feature
from millrace.errors import FeatureError, StoreError
from millrace.features.connect import open_to_read
from millrace.features.definitions import EVENT_TIMESTAMP
from millrace.features.feast_import import import_feast, quiet
from millrace.features.offline import table_folder
from millrace.settings import Settings
from millrace.storage import Store
from millrace.workload.load import Workload


def values_at(
    workload: Workload,
    features: Sequence[Feature],
    settings: Settings,
    store: Store,
    keys: pd.DataFrame,
    times: pd.Series | datetime,
    *,
    since: datetime | None = None,
) -> pa.Table:
    """Return what each feature's value was, by Feast's point-in-time join.

    Args:
        workload: the workload.
        features: features of its views.
        settings: where Feast's registry is.
        store: the object store, where the offline tables lie.
        keys: the join keys of n rows, a column each.
        times: the time of each row, or one time for all.
        since: what held since before this time is not looked up; None to look up all.

    Returns:
        A table of n rows, in the order of the keys; null where a feature had no value.

    Raises:
        FeatureError: the features have not been materialized.
        StoreError: the offline tables cannot be read.
    """
    moments = keys.assign(**{EVENT_TIMESTAMP: times})
    # Events of one entity at one time share their features, and Feast may drop all but one.
    once = moments.drop_duplicates(ignore_index=True)
    which = moments.groupby(list(moments.columns), sort=False).ngroup()
    names = [f"{feature.view}:{feature.name}" for feature in features]
    feast = open_to_read(workload, settings, store, since=since)
    missing = import_feast().errors.FeastObjectNotFoundException
    try:
        with quiet():
            table = feast.get_historical_features(entity_df=once, features=names).to_arrow()
    except (missing, KeyError, FileNotFoundError, pa.ArrowInvalid) as error:
        raise FeatureError(
            f"the features are not in the feature store: {str(error).splitlines()[0]}",
            where=store.location(table_folder(workload.name)),
            remedy="run the step materialize first",
        ) from error
    except OSError as error:
        raise StoreError(
            f"the offline tables cannot be read: {str(error).splitlines()[0]}",
            where=store.location(table_folder(workload.name)),
            remedy="check MILLRACE_S3_ENDPOINT and the credentials, then run again",
        ) from error
    return table.select([feature.name for feature in features]).take(pa.array(which.to_numpy()))


def as_held(values: pa.ChunkedArray, feature: Feature) -> pa.ChunkedArray:
    """Return a feature as the model takes it: float32 with NaN, or text with ''."""
    if feature.kind == "category":
        return pc.fill_null(values.cast(pa.string()), "")
    numbers = values.cast(pa.float64(), safe=False)
    return pc.fill_null(numbers, float("nan")).cast(pa.float32(), safe=False)
