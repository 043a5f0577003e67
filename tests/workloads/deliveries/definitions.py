"""What Feast knows about couriers, shops and the way between them."""

from feast import Entity, FeatureView, Field, FileSource, ValueType
from feast.types import Bool, Float64, Int64, String

courier = Entity(name="courier", join_keys=["courier_id"], value_type=ValueType.STRING)
shop = Entity(name="shop", join_keys=["shop_id"], value_type=ValueType.INT64)

courier_profile = FeatureView(
    name="courier_profile",
    entities=[courier],
    schema=[Field(name="vehicle", dtype=String), Field(name="months", dtype=Int64)],
    source=FileSource(path="courier_profile.parquet", timestamp_field="event_timestamp"),
)

shop_kitchen = FeatureView(
    name="shop_kitchen",
    entities=[shop],
    schema=[Field(name="kitchen", dtype=String), Field(name="preparation", dtype=Float64)],
    source=FileSource(path="shop_kitchen.parquet", timestamp_field="event_timestamp"),
)

courier_route = FeatureView(
    name="courier_route",
    entities=[courier, shop],
    schema=[
        Field(name="distance", dtype=Float64),
        Field(name="weather", dtype=String),
        Field(name="gift", dtype=Bool),
    ],
    source=FileSource(path="courier_route.parquet", timestamp_field="event_timestamp"),
)
