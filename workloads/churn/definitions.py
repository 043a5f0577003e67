"""What Feast knows about a customer: an entity and three feature views.

The platform fills the files and brings them to the online store. A view that changes gets a new
name, because a model that serves reads the old one.
"""

from feast import Entity, FeatureView, Field, FileSource, ValueType
from feast.types import Float64, Int64, String

customer = Entity(name="customer", join_keys=["customerID"], value_type=ValueType.STRING)

customer_profile = FeatureView(
    name="customer_profile",
    entities=[customer],
    schema=[
        Field(name="gender", dtype=String),
        Field(name="SeniorCitizen", dtype=Int64),
        Field(name="Partner", dtype=String),
        Field(name="Dependents", dtype=String),
        Field(name="tenure", dtype=Int64),
    ],
    source=FileSource(path="customer_profile.parquet", timestamp_field="event_timestamp"),
)

customer_services = FeatureView(
    name="customer_services",
    entities=[customer],
    schema=[
        Field(name="PhoneService", dtype=String),
        Field(name="MultipleLines", dtype=String),
        Field(name="InternetService", dtype=String),
        Field(name="OnlineSecurity", dtype=String),
        Field(name="OnlineBackup", dtype=String),
        Field(name="DeviceProtection", dtype=String),
        Field(name="TechSupport", dtype=String),
        Field(name="StreamingTV", dtype=String),
        Field(name="StreamingMovies", dtype=String),
        Field(name="services", dtype=Int64),
    ],
    source=FileSource(path="customer_services.parquet", timestamp_field="event_timestamp"),
)

customer_billing = FeatureView(
    name="customer_billing",
    entities=[customer],
    schema=[
        Field(name="Contract", dtype=String),
        Field(name="PaperlessBilling", dtype=String),
        Field(name="PaymentMethod", dtype=String),
        Field(name="MonthlyCharges", dtype=Float64),
        Field(name="TotalCharges", dtype=Float64),
    ],
    source=FileSource(path="customer_billing.parquet", timestamp_field="event_timestamp"),
)
