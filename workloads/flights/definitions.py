"""What Feast knows of carriers, airports, aircraft and routes: delays and weather, as of a moment.

A row holds from its event_timestamp until the next of its keys: the delay rates whenever another
flight has arrived, the weather every hour.
"""

from feast import Entity, FeatureView, Field, FileSource, ValueType
from feast.types import Float64, Int64, String

carrier = Entity(name="carrier", join_keys=["carrier"], value_type=ValueType.STRING)
origin = Entity(name="origin", join_keys=["origin"], value_type=ValueType.STRING)
dest = Entity(name="dest", join_keys=["dest"], value_type=ValueType.STRING)
tailnum = Entity(name="tailnum", join_keys=["tailnum"], value_type=ValueType.STRING)


def _source(view: str) -> FileSource:
    return FileSource(path=f"{view}.parquet", timestamp_field="event_timestamp")


carrier_delays = FeatureView(
    name="carrier_delays",
    entities=[carrier],
    schema=[
        Field(name="carrier_late_3h", dtype=Float64),
        Field(name="carrier_late_7d", dtype=Float64),
        Field(name="carrier_delay_3h", dtype=Float64),
        Field(name="carrier_arrivals_3h", dtype=Int64),
    ],
    source=_source("carrier_delays"),
)

origin_delays = FeatureView(
    name="origin_delays",
    entities=[origin],
    schema=[
        Field(name="origin_late_1h", dtype=Float64),
        Field(name="origin_late_3h", dtype=Float64),
        Field(name="origin_delay_3h", dtype=Float64),
        Field(name="origin_late_1d", dtype=Float64),
    ],
    source=_source("origin_delays"),
)

route_delays = FeatureView(
    name="route_delays",
    entities=[origin, dest],
    schema=[
        Field(name="route_late_6h", dtype=Float64),
        Field(name="route_late_7d", dtype=Float64),
        Field(name="route_delay_7d", dtype=Float64),
    ],
    source=_source("route_delays"),
)

aircraft_delays = FeatureView(
    name="aircraft_delays",
    entities=[tailnum],
    schema=[
        Field(name="aircraft_delay_6h", dtype=Float64),
        Field(name="aircraft_late_1d", dtype=Float64),
        Field(name="aircraft_late_7d", dtype=Float64),
    ],
    source=_source("aircraft_delays"),
)

aircraft = FeatureView(
    name="aircraft",
    entities=[tailnum],
    schema=[
        Field(name="built", dtype=Int64),
        Field(name="seats", dtype=Int64),
        Field(name="model", dtype=String),
    ],
    source=_source("aircraft"),
)

airport_weather = FeatureView(
    name="airport_weather",
    entities=[origin],
    schema=[
        Field(name="temp", dtype=Float64),
        Field(name="humid", dtype=Float64),
        Field(name="wind_speed", dtype=Float64),
        Field(name="wind_gust", dtype=Float64),
        Field(name="precip", dtype=Float64),
        Field(name="pressure", dtype=Float64),
        Field(name="visib", dtype=Float64),
    ],
    source=_source("airport_weather"),
)
