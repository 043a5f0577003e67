"""What Feast knows of stations."""

from feast import Entity, FeatureView, Field, FileSource, ValueType
from feast.types import Float64, Int64

station = Entity(name="station", join_keys=["station"], value_type=ValueType.STRING)

station_delays = FeatureView(
    name="station_delays",
    entities=[station],
    schema=[
        Field(name="station_late_2d", dtype=Float64),
        Field(name="station_returns_2d", dtype=Int64),
    ],
    source=FileSource(path="station_delays.parquet", timestamp_field="event_timestamp"),
)
